"""A linear map of what describes a pixel: one expert of the statistics branch.

Where spectra tell the classes apart, what it says of unseen places is hard to beat with few labels.
`bdgf.training.linear_fit` finds its weights.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from bdgf.networks.patch_statistics import FEATURES, StatisticSet
from bdgf.settings_model import Settings


class LinearSettings(Settings):
    """The linear map. Chosen here; the paper has none."""

    candidates: tuple[StatisticSet, ...] = Field(
        (
            (),
            ("mean:1",),
            ("mean:1", "deviation:2"),
            ("mean:1", "mean:2", "deviation:2"),
            ("mean:1", "deviation:2", FEATURES),
        ),
        min_length=1,
        description="Sets of statistics to choose from, beside the pixel's own channels: mean or "
        "deviation in a Gaussian window of so many pixels sigma, or components of the features",
    )
    inverse_penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.01, 0.03, 0.1, 0.3, 1.0),
        min_length=1,
        description="Values of C (inverse L2 penalty) to choose from",
    )


class LinearMap(nn.Module):
    """Logits that are linear in what describes a pixel; its weights are buffers."""

    weight: Tensor
    bias: Tensor

    def __init__(self, width: int, classes: int) -> None:
        """Builds it with weights of zero.

        Args:
            width: F, numbers that describe a pixel.
            classes: K, number of classes.
        """
        super().__init__()
        self.register_buffer("weight", torch.zeros(classes, width))
        self.register_buffer("bias", torch.zeros(classes))

    @property
    def size(self) -> int:
        """Weights that were fitted."""
        return self.weight.numel() + self.bias.numel()

    def set_weights(self, weight: Tensor, bias: Tensor) -> None:
        """Takes weights (K, F) and bias (K,)."""
        self.weight.copy_(weight)
        self.bias.copy_(bias)

    def forward(self, described: Tensor) -> Tensor:
        """Log-probabilities (B, K) of (B, F)."""
        return nn.functional.linear(described, self.weight, self.bias).log_softmax(1)
