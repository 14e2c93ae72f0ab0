"""The inputs of every backend of the selective scan."""

from typing import NamedTuple

import torch
from torch import Tensor


class ScanInputs(NamedTuple):
    """Tensors of one scan, channels last, under the names of the Mamba paper.

    Attributes:
        u: (B, L, D) input.
        delta: (B, L, D) step sizes, before bias and softplus.
        A: (D, N) state matrix, diagonal for each channel.
        B: (B, L, N) input matrix.
        C: (B, L, N) output matrix.
        D: (D,) skip weights, or None.
        z: (B, L, D) gate, or None.
        delta_bias: (D,) added to `delta`, or None.
    """

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None = None
    z: Tensor | None = None
    delta_bias: Tensor | None = None

    def check(self) -> None:
        """Raise ValueError when shapes or devices do not fit together."""
        if self.u.dim() != 3 or self.A.dim() != 2:
            raise ValueError(
                f"the scan needs u of three axes and A of two, not {tuple(self.u.shape)} and "
                f"{tuple(self.A.shape)}"
            )
        (batch, length, channels), states = self.u.shape, self.A.shape[1]
        expected = {
            "u": (batch, length, channels),
            "delta": (batch, length, channels),
            "A": (channels, states),
            "B": (batch, length, states),
            "C": (batch, length, states),
            "D": (channels,),
            "z": (batch, length, channels),
            "delta_bias": (channels,),
        }
        for name, shape in expected.items():
            tensor: Tensor | None = getattr(self, name)
            if tensor is None:
                continue
            if tensor.shape != shape:
                raise ValueError(
                    f"the scan's {name} has shape {tuple(tensor.shape)}, channels last, not {shape}"
                )
            if tensor.device != self.u.device:
                raise ValueError(f"the scan's {name} is on {tensor.device}, u on {self.u.device}")

    def with_dtype(self, dtype: torch.dtype) -> "ScanInputs":
        """The same tensors in one dtype."""
        return ScanInputs(*(None if x is None else x.to(dtype) for x in self))  # type: ignore[arg-type]
