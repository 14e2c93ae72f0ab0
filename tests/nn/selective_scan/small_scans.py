"""Random inputs of a scan, and its output and gradients."""

import os

import torch

from bdgf.nn.selective_scan import ScanInputs, scan_channels_last

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
