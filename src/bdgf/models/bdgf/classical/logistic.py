"""Linear maps of what describes a pixel: experts of the classical branch.

Where spectra tell the classes apart, what they say of unseen places is hard to beat with few
labels. There is one on each of several sets of statistics;
`bdgf.models.bdgf.classical.logistic_fit` finds their weights.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from bdgf.core.settings import Settings
from bdgf.models.bdgf.classical.patch_statistics import AVERAGES, FEATURES, StatisticSet


class LinearSettings(Settings):
    """The linear maps. Chosen here; the paper has none."""

    candidates: tuple[StatisticSet, ...] = Field(
        (
            (),
            ("mean:1",),
            ("mean:1", "deviation:2"),
            ("mean:1", "mean:2", "deviation:2"),
            ("mean:1", "deviation:2", FEATURES),
            (AVERAGES,),
            ("mean:1", "deviation:2", AVERAGES),
        ),
        min_length=1,
        description="There is a map on each of these sets of statistics, beside the pixel's own "
        "channels: mean or deviation in a "
        "Gaussian window of so many pixels sigma, or components of the diffusion features "
        "(`features`; without guidance there are none). With `averages` it sees averages of "
        "adjacent bands too, where the scene has some",
    )
    c: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.01, 0.03, 0.1, 0.3, 1.0),
        min_length=1,
        description="Values of C (inverse L2 penalty) to choose from, for each map",
    )


class LinearMaps(nn.Module):
    """Maps whose logits are linear in what describes a pixel, mixed; all of it is buffers.

    Attributes:
        weight: (M, K, F), of M maps.
        bias: (M, K).
        shares: (M,), with which their probabilities are mixed.
    """

    weight: Tensor
    bias: Tensor
    shares: Tensor

    def __init__(self, maps: int, width: int, classes: int) -> None:
        """Builds them with weights of zero and even shares.

        Args:
            maps: M, number of maps.
            width: F, numbers that describe a pixel.
            classes: K, number of classes.
        """
        super().__init__()
        self.register_buffer("weight", torch.zeros(maps, classes, width))
        self.register_buffer("bias", torch.zeros(maps, classes))
        self.register_buffer("shares", torch.full((maps,), 1 / maps))

    @property
    def size(self) -> int:
        """Weights that were fitted."""
        return self.weight.numel() + self.bias.numel()

    def set_weights(self, weight: Tensor, bias: Tensor, shares: Tensor) -> None:
        """Takes weights (M, K, F), bias (M, K) and shares (M,)."""
        self.weight.copy_(weight)
        self.bias.copy_(bias)
        self.shares.copy_(shares)

    def forward(self, described: Tensor) -> Tensor:
        """Log-probabilities (B, K) of (B, F)."""
        logits = nn.functional.linear(described, self.weight.flatten(0, 1), self.bias.flatten())
        said = logits.unflatten(1, self.bias.shape).log_softmax(-1)  # (B, M, K)
        return (said + self.shares.log()[:, None]).logsumexp(1)
