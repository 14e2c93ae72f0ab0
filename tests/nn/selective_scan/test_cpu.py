"""The compiled scan on a CPU."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.errors import UserError
from bdgf.nn.selective_scan import ScanInputs, scan_channels_last
from tests.nn.selective_scan.small_scans import assert_close, random_inputs, values_and_gradients


def assert_cpu_equals_reference(inputs, softplus, reverse):
    expected = values_and_gradients(inputs, softplus, reverse, "reference")
    results = values_and_gradients(inputs.with_dtype(torch.float32), softplus, reverse, "cpu")
    assert_close(results, expected)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    batch=st.integers(1, 5),
    length=st.integers(1, 100),
    channels=st.integers(1, 70),
    states=st.integers(1, 64),
    optional=st.sets(st.sampled_from(["D", "z", "delta_bias"])),
    softplus=st.booleans(),
    reverse=st.booleans(),
)
def test_cpu_equals_the_reference(
    batch, length, channels, states, optional, softplus, reverse
) -> None:
    inputs = random_inputs(batch, length, channels, states, length, optional)
    if not softplus:
        inputs = inputs._replace(delta=inputs.delta.abs(), delta_bias=None)
    assert_cpu_equals_reference(inputs, softplus, reverse)


@pytest.mark.parametrize(
    ("batch", "length", "channels", "states"),
    [(1, 1024, 33, 1), (1, 1023, 3, 64), (130, 2, 64, 16), (1, 32, 257, 5), (3, 33, 32, 8)],
)
def test_cpu_equals_the_reference_at_the_edges_of_its_blocks(
    batch, length, channels, states
) -> None:
    assert_cpu_equals_reference(random_inputs(batch, length, channels, states), True, False)


def test_slices_of_wider_tensors_and_broadcast_ones() -> None:
    generator = torch.Generator().manual_seed(3)
    wide = torch.randn(2, 11, 40, generator=generator)
    u, delta, z, B, C = wide.split([12, 12, 12, 2, 2], dim=-1)
    inputs = ScanInputs(u, delta, -torch.ones(12, 2), B[:1].expand_as(B), C, None, z)
    contiguous = ScanInputs(*(x if x is None else x.contiguous() for x in inputs))
    result = scan_channels_last(inputs, True, backend="cpu")
    assert torch.equal(result, scan_channels_last(contiguous, True, backend="cpu"))


def test_cpu_refuses_float64() -> None:
    with pytest.raises(UserError, match="float64"):
        scan_channels_last(random_inputs(), backend="cpu")


def test_extreme_step_sizes_stay_finite_and_right() -> None:
    inputs = random_inputs(1, 12, 4, 2, optional=())
    delta = torch.tensor([-200.0, -30.0, -17.0, -1e-3, 0.0, 16.0, 88.0, 1e4, 1e30, 5.0, -5.0, 2.0])
    inputs = inputs._replace(delta=delta.double()[None, :, None].expand(1, 12, 4))
    expected = values_and_gradients(inputs, True, False, "reference")
    results = values_and_gradients(inputs.with_dtype(torch.float32))
    assert all(torch.isfinite(x).all() for x in results)
    for result, value in zip(results[:1], expected[:1], strict=True):
        assert torch.allclose(result.double(), value, rtol=1e-5, atol=1e-30)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_same_bits_whatever_the_threads(threads) -> None:
    inputs = random_inputs(70, 40, 70, 8, double=False)
    threads(1)
    alone = values_and_gradients(inputs)
    for count in (2, 3):
        threads(count)
        together = values_and_gradients(inputs)
        assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_several_callers_at_once(threads) -> None:
    threads(2)
    inputs = random_inputs(40, 40, 70, 8, double=False)
    expected = values_and_gradients(inputs)
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(values_and_gradients, inputs) for _ in range(8)]
    for run in runs:
        assert all(torch.equal(a, b) for a, b in zip(run.result(), expected, strict=True))


def test_no_tensor_of_all_states_is_kept() -> None:
    inputs = random_inputs(2, 200, 40, 16, double=False)
    inputs = ScanInputs(*(x.requires_grad_() for x in inputs))
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        scan_channels_last(inputs, True, backend="cpu")
    assert max(x.numel() for x in kept) <= 2 * 200 * 40 * 16 / 10
    with torch.no_grad():
        assert not scan_channels_last(inputs, True, backend="cpu").requires_grad


def test_bfloat16_in_and_out() -> None:
    inputs = random_inputs(optional=("z",))
    half = inputs.with_dtype(torch.bfloat16)
    results = values_and_gradients(half)
    assert all(x.dtype == torch.bfloat16 for x in results)
    expected = values_and_gradients(half.with_dtype(torch.float64), backend="reference")
    assert_close(results, expected, tolerance=2e-2)
