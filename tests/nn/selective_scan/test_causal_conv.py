"""The compiled convolution beside torch's."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.nn.selective_scan.causal_conv import causal_conv_silu
from tests.nn.selective_scan.small_scans import assert_close


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    batch=st.integers(1, 4),
    length=st.integers(1, 20),
    channels=st.integers(1, 70),
    taps=st.integers(1, 7),
    biased=st.booleans(),
    reverse=st.booleans(),
)
def test_compiled_convolution_equals_the_plain_one(
    batch, length, channels, taps, biased, reverse
) -> None:
    generator = torch.Generator().manual_seed(length)
    wide = torch.randn(batch, length, 2 * channels, generator=generator, dtype=torch.float64)
    weight = torch.randn(channels, 1, taps, generator=generator, dtype=torch.float64)
    bias = torch.randn(channels, generator=generator, dtype=torch.float64) if biased else None
    results = {}
    for backend, dtype in (("cpu", torch.float32), ("reference", torch.float64)):
        leaves = [x.detach().to(dtype).requires_grad_() for x in (wide, weight)]
        leaves += [bias.detach().to(dtype).requires_grad_()] if biased else []
        x = leaves[0].chunk(2, dim=-1)[1]
        y = causal_conv_silu(x, leaves[1], leaves[2] if biased else None, reverse, backend)
        y.backward(torch.cos(torch.arange(y.numel(), dtype=torch.float64)).view(y.shape).to(y))
        results[backend] = [y.detach(), *(leaf.grad for leaf in leaves)]
    assert_close(results["cpu"], results["reference"])
