import importlib.util
import logging
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mambapy.mamba import MambaBlock
from torch.nn.functional import silu, softplus

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

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
TOLERANCE = 1e-5  # of the largest value, float32 against float64


def random_inputs(
    batch=2, length=9, channels=5, states=4, seed=0, optional=("D", "z", "delta_bias"), double=True
) -> ScanInputs:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    inputs = ScanInputs(
        u=normal(batch, length, channels),
        delta=normal(batch, length, channels) - 1,
        A=-torch.exp(normal(channels, states)),
        B=normal(batch, length, states),
        C=normal(batch, length, states),
        D=normal(channels),
        z=normal(batch, length, channels),
        delta_bias=normal(channels) / 2,
    )
    absent = {name: None for name in ("D", "z", "delta_bias") if name not in optional}
    return inputs._replace(**absent).with_dtype(torch.float64 if double else torch.float32)


def values_and_gradients(inputs, softplus=True, reverse=False, backend="cpu"):
    """The output and the gradient of each input, for a fixed gradient of the output."""
    leaves = [x if x is None else x.detach().clone().requires_grad_() for x in inputs]
    y = scan_channels_last(ScanInputs(*leaves), softplus, reverse, backend)
    weights = torch.cos(torch.arange(y.numel(), dtype=torch.float64)).view(y.shape)
    y.backward(weights.to(y))
    return [y.detach(), *(x.grad for x in leaves if x is not None)]


def assert_close(results, expected, tolerance=TOLERANCE):
    for result, value in zip(results, expected, strict=True):
        scale = value.abs().max().clamp(min=1e-30)
        assert ((result.double() - value).abs().max() / scale).item() < tolerance


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


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_equals_an_independent_implementation(backend) -> None:
    inputs = random_inputs(3, 21, 6, 4, optional=("D", "z", "delta_bias"), double=False)
    delta = softplus(inputs.delta + inputs.delta_bias)
    u, _, A, B, C, D, z, _ = inputs
    expected = MambaBlock.selective_scan(None, u, delta, A, B, C, D) * silu(z)
    result = scan_channels_last(inputs, True, backend=backend)
    assert_close([result], [expected.double()])


def test_gradients_of_the_reference() -> None:
    inputs = [x.requires_grad_() for x in random_inputs(2, 4, 3, 2)]
    for reverse in (False, True):
        assert torch.autograd.gradcheck(
            lambda *x, reverse=reverse: scan_channels_last(
                ScanInputs(*x), True, reverse, "reference"
            ),
            inputs,
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


def test_slices_of_wider_tensors_and_broadcast_ones() -> None:
    generator = torch.Generator().manual_seed(3)
    wide = torch.randn(2, 11, 40, generator=generator)
    u, delta, z, B, C = wide.split([12, 12, 12, 2, 2], dim=-1)
    inputs = ScanInputs(u, delta, -torch.ones(12, 2), B[:1].expand_as(B), C, None, z)
    contiguous = ScanInputs(*(x if x is None else x.contiguous() for x in inputs))
    result = scan_channels_last(inputs, True, backend="cpu")
    assert torch.equal(result, scan_channels_last(contiguous, True, backend="cpu"))


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


@pytest.mark.skipif(
    not torch.cuda.is_available() and not INTERPRETED,
    reason="the Triton scan needs a CUDA device, or triton with TRITON_INTERPRET=1",
)
@pytest.mark.parametrize("optional", [(), ("D", "z", "delta_bias")])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("size", [(2, 1, 3, 1), (2, 17, 70, 5), (1, 40, 33, 16), (1, 9, 8, 64)])
def test_triton_equals_the_reference(size, reverse, optional) -> None:
    pytest.importorskip("triton")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    inputs = random_inputs(*size, optional=optional)
    inputs = ScanInputs(*(x if x is None else x.to(device) for x in inputs))
    expected = values_and_gradients(inputs, True, reverse, "reference")
    single = inputs.with_dtype(torch.float32)
    assert_close(values_and_gradients(single, True, reverse, "triton"), expected)
    onward, back = scan_both_ways(single, single, True, "triton")
    pair = (onward, back) if not reverse else (back, onward)
    assert_close(pair[:1], expected[:1])


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


def test_cpu_refuses_float64() -> None:
    with pytest.raises(UserError, match="float64"):
        scan_channels_last(random_inputs(), backend="cpu")


def test_wrong_shapes_are_named() -> None:
    inputs = random_inputs()
    with pytest.raises(ValueError, match="scan's B has shape"):
        scan_channels_last(inputs._replace(B=inputs.B[:, :-1]))
    with pytest.raises(ValueError, match="three axes"):
        scan_channels_last(inputs._replace(u=inputs.u[0]))


def test_extreme_step_sizes_stay_finite_and_right() -> None:
    inputs = random_inputs(1, 12, 4, 2, optional=())
    delta = torch.tensor([-200.0, -30.0, -17.0, -1e-3, 0.0, 16.0, 88.0, 1e4, 1e30, 5.0, -5.0, 2.0])
    inputs = inputs._replace(delta=delta.double()[None, :, None].expand(1, 12, 4))
    expected = values_and_gradients(inputs, True, False, "reference")
    results = values_and_gradients(inputs.with_dtype(torch.float32))
    assert all(torch.isfinite(x).all() for x in results)
    for result, value in zip(results[:1], expected[:1], strict=True):
        assert torch.allclose(result.double(), value, rtol=1e-5, atol=1e-30)


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


@pytest.mark.parametrize("size", [(0, 3, 2, 2), (2, 0, 2, 2)])
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_empty_inputs(backend, size) -> None:
    inputs = random_inputs(*size, double=False)
    results = values_and_gradients(inputs, backend=backend)
    assert results[0].shape == size[:3]
    assert all(x is None or not x.any() for x in results[1:])


def run_in_a_new_process(script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cache_that_cannot_be_written_is_no_error() -> None:
    # The kernel's file is where Numba would write next; a file in its place hides that too.
    script = """
    import numba.core.caching as caching
    for locator in caching.CacheImpl._locator_classes:
        locator.ensure_cache_path = lambda self: open("/dev/null/nowhere")
    import torch
    from bdgf.nn.selective_scan import ScanInputs, scan_channels_last
    x = torch.ones(1, 3, 2)
    print(scan_channels_last(ScanInputs(x, x, -torch.ones(2, 2), x, x), backend="cpu").sum().item())
    """
    assert float(run_in_a_new_process(script)) > 0


def test_a_forked_process_can_scan() -> None:
    script = """
    import os, torch
    from bdgf.nn.selective_scan import ScanInputs, scan_channels_last
    torch.set_num_threads(2)
    x = torch.ones(64, 128, 64)
    inputs = ScanInputs(x, x, -torch.ones(64, 4), x[..., :4], x[..., :4])
    expected = scan_channels_last(inputs, backend="cpu").numpy()
    child = os.fork()
    if child == 0:  # torch's own threads do not outlive a fork, so NumPy compares
        same = (scan_channels_last(inputs, backend="cpu").numpy() == expected).all()
        os._exit(0 if same else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run_in_a_new_process(script).strip() == "0"
