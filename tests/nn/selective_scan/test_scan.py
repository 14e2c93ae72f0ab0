"""What every backend has to do, and the choice among them."""

import importlib.util
import logging

import pytest
import torch

from bdgf.core.errors import SettingsError, UserError
from bdgf.nn.selective_scan import (
    BACKENDS,
    ScanInputs,
    resolve_backend,
    scan_both_ways,
    scan_channels_last,
    selective_scan,
)
from bdgf.nn.selective_scan import scan as scan_module
from tests.nn.selective_scan.small_scans import (
    INTERPRETED,
    assert_close,
    random_inputs,
    values_and_gradients,
)


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_public_layout_is_that_of_mamba_ssm(backend) -> None:
    inputs = random_inputs(double=False)
    u, delta, A, B, C, D, z, bias = inputs
    first = [x.transpose(1, 2).contiguous() for x in (u, delta, B, C, z)]
    y = selective_scan(first[0], first[1], A, first[2], first[3], D, first[4], bias, True, backend)
    expected = scan_channels_last(inputs, True, backend=backend).transpose(1, 2)
    assert_close([y], [expected.double()])


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_reverse_is_the_scan_of_the_flipped_sequence(backend) -> None:
    inputs = random_inputs(2, 40, 5, 3, double=False)
    u, delta, A, B, C, D, z, bias = inputs
    flipped = ScanInputs(u.flip(1), delta.flip(1), A, B.flip(1), C.flip(1), D, z.flip(1), bias)
    result = scan_channels_last(inputs, True, reverse=True, backend=backend)
    expected = scan_channels_last(flipped, True, backend=backend).flip(1)
    assert_close([result], [expected.double()])
    onward, back = scan_both_ways(inputs, inputs, True, backend)
    assert torch.equal(onward, scan_channels_last(inputs, True, backend=backend))
    assert torch.equal(back, result)


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_every_backend_runs_forward_and_backward_or_says_what_it_needs(name) -> None:
    inputs = random_inputs(double=False)
    if name in ("triton", "mamba_ssm"):
        if not (torch.cuda.is_available() and importlib.util.find_spec(name)):
            if INTERPRETED:
                pytest.skip("interpreted Triton needs no CUDA device")
            with pytest.raises(UserError, match=f"backend '{name}' needs"):
                values_and_gradients(inputs, backend=name)
            return
        inputs = ScanInputs(*(x.cuda() for x in inputs))
    expected = values_and_gradients(inputs.with_dtype(torch.float64), backend="reference")
    assert_close(values_and_gradients(inputs, backend=name), expected)


def test_auto_follows_dtype_and_device_and_says_so_once(caplog) -> None:
    scan_module._choose.cache_clear()
    single, double = torch.zeros(1), torch.zeros(1, dtype=torch.float64)
    with caplog.at_level(logging.INFO, logger="bdgf"):
        assert resolve_backend("auto", single) == "cpu"
        assert resolve_backend("auto", double) == "reference"
        assert resolve_backend("auto", single) == "cpu"
        assert resolve_backend("auto", torch.zeros(1, device="meta")) == "reference"
    chosen = [record.getMessage() for record in caplog.records]
    assert chosen[0] == "selective scan on cpu in float32: backend 'cpu'"
    assert len(chosen) == 3


def test_unknown_backend_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"reference, cpu, triton.*did you mean 'triton'"):
        resolve_backend("tritn", torch.zeros(1))


@pytest.mark.parametrize("name", ["u", "delta", "A", "B", "C", "D", "z", "delta_bias"])
def test_nan_is_not_lost(name) -> None:
    inputs = random_inputs(double=False)
    broken = getattr(inputs, name).clone()
    broken.view(-1)[0] = float("nan")
    assert torch.isnan(scan_channels_last(inputs._replace(**{name: broken}), True)).any()


def test_growing_states_overflow_to_infinity() -> None:
    inputs = random_inputs(1, 30, 2, 1, optional=(), double=False)
    inputs = inputs._replace(A=-inputs.A * 100, delta=inputs.delta.abs() + 1)
    assert not torch.isfinite(scan_channels_last(inputs)).all()


@pytest.mark.parametrize("size", [(0, 3, 2, 2), (2, 0, 2, 2)])
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_empty_inputs(backend, size) -> None:
    inputs = random_inputs(*size, double=False)
    results = values_and_gradients(inputs, backend=backend)
    assert results[0].shape == size[:3]
    assert all(x is None or not x.any() for x in results[1:])
