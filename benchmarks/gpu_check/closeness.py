"""How near two results are, and the float32 that equality is judged in.

Equality is first judged in exact float32: TF32 is off in matrix products and in convolutions. Then
as users compute: bf16-mixed, with tolerances that bfloat16's eight digits of mantissa ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from bdgf.training import devices

Values = Tensor | np.ndarray
EXACT, MIXED = "float32 without TF32", "bf16-mixed"


def worst(found: Values, expected: Values) -> float:
    """The largest difference, as a share of the largest expected value."""
    a, b = _double(found), _double(expected)
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-30))


def spread(found: Sequence[Values], expected: Sequence[Values]) -> float:
    """The root mean square of all differences, as a share of that of the expected values."""
    pairs = [(_double(a), _double(b)) for a, b in zip(found, expected, strict=True)]
    difference = sum(float((a - b).square().sum()) for a, b in pairs)
    size = sum(float(b.square().sum()) for _, b in pairs)
    return float((difference / max(size, 1e-30)) ** 0.5)


def _double(values: Values) -> Tensor:
    tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    return tensor.detach().to("cpu", torch.float64)


@contextmanager
def exact_float32() -> Iterator[None]:
    """No TF32 within, not even where `make_fabric` would allow it."""
    configure, precision = devices._configure_cuda, torch.get_float32_matmul_precision()
    convolutions = torch.backends.cudnn.allow_tf32
    devices._configure_cuda = lambda settings: None
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        devices._configure_cuda = configure
        torch.backends.cudnn.allow_tf32 = convolutions
        torch.set_float32_matmul_precision(precision)


def synchronize(device: str) -> None:
    """Waits until the device has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()
