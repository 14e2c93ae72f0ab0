"""The linear branch: logits that are linear in statistics of the patch.

Where labels are few and clustered, what a linear map of simple statistics says of unseen places is
hard to beat; the other branches learn from it there, and correct it where they know better. It is
not trained by gradient steps: `bdgf.training.linear_fit` finds its weights beforehand. Chosen here;
the paper knows three branches.
"""

from __future__ import annotations

import re
from typing import Annotated

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn

from bdgf.settings_model import Settings

_NAME = re.compile(r"(mean|deviation):(\d+(?:\.\d+)?)")


def _check_statistic(name: str) -> str:
    found = _NAME.fullmatch(name)
    if not found or not float(found[2]):
        raise ValueError(
            f"{name!r} is no statistic; write 'mean:<sigma>' or 'deviation:<sigma>', sigma the "
            "Gaussian window's in pixels, more than 0"
        )
    return name


Statistic = Annotated[str, AfterValidator(_check_statistic)]


class LinearSettings(Settings):
    """The linear branch. Chosen here; the paper has none."""

    use: bool = Field(True, description="Whether there is one")
    candidates: tuple[tuple[Statistic, ...], ...] = Field(
        ((), ("mean:1",), ("mean:1", "deviation:2"), ("mean:1", "mean:2", "deviation:2")),
        min_length=1,
        description="Sets of statistics to choose from, beside the pixel's own channels: mean or "
        "deviation in a Gaussian window of so many pixels sigma",
    )
    inverse_penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.01, 0.03, 0.1, 0.3, 1.0),
        min_length=1,
        description="Values of C (inverse L2 penalty) to choose from",
    )
    pixels: int = Field(
        3000, ge=2, description="Most labelled pixels that it is fitted on, rare classes whole"
    )
    folds: int = Field(5, ge=2, description="Folds of the cross-validation that chooses")
    block: int = Field(24, ge=1, description="Side in pixels of the blocks that folds are made of")
    repeats: int = Field(3, ge=1, description="Draws of the folds that its loss is the mean of")

    @property
    def statistics(self) -> tuple[str, ...]:
        """Every statistic that a candidate asks for, once."""
        return tuple(dict.fromkeys(name for names in self.candidates for name in names))


class PatchStatistics(nn.Module):
    """The centre pixel's channels and Gaussian statistics of its patch, over valid pixels.

    Attributes:
        statistics: The statistics' names, in order.
        channels: C, channels of a pixel.
    """

    windows: Tensor

    def __init__(self, statistics: tuple[str, ...], channels: int, patch: int) -> None:
        """Takes the statistics' names, C, and the width of the patch in pixels."""
        super().__init__()
        self.statistics, self.channels = statistics, channels
        matches = [_NAME.fullmatch(name) for name in statistics]
        kinds = [(found[1], float(found[2])) for found in matches if found]
        self.sigmas = tuple(dict.fromkeys(sigma for _, sigma in kinds))
        self.places = [(kind, self.sigmas.index(sigma)) for kind, sigma in kinds]
        steps = torch.arange(patch, dtype=torch.float64) - patch // 2
        rows = [torch.exp(-0.5 * (steps / sigma) ** 2) for sigma in self.sigmas]
        flat = [torch.outer(row, row).flatten() for row in rows]
        windows = torch.stack(flat).float() if flat else torch.zeros(0, patch**2)
        self.register_buffer("windows", windows, persistent=False)  # (sigmas, P * P)

    @property
    def width(self) -> int:
        """F, numbers that describe a pixel."""
        return self.channels * (1 + len(self.statistics))

    def forward(self, patches: Tensor) -> Tensor:
        """Describes the centre pixels.

        Args:
            patches: (B, P, P, C + 1): channels, zero where there is no data, and last whether there
                is.

        Returns:
            (B, F): the centre's channels, then those of each statistic.
        """
        cells = patches.flatten(1, 2)  # (B, P * P, C + 1)
        sums = torch.einsum("sn,bnc->sbc", self.windows, cells)
        weight = sums[..., -1:].clamp(min=torch.finfo(sums.dtype).tiny)
        mean = sums[..., :-1] / weight  # (sigmas, B, C)
        described = [cells[:, cells.shape[1] // 2, :-1]]
        squares: Tensor | None = None
        for kind, place in self.places:
            if kind == "mean":
                described.append(mean[place])
                continue
            if squares is None:
                squares = torch.einsum("sn,bnc->sbc", self.windows, cells[..., :-1].square())
            variance = squares[place] / weight[place] - mean[place].square()
            described.append(variance.clamp(min=0).sqrt())
        return torch.cat(described, dim=-1)


class LinearBranch(nn.Module):
    """Logits that are linear in the statistics of the patch; its weights are buffers."""

    weight: Tensor
    bias: Tensor

    def __init__(self, settings: LinearSettings, channels: int, patch: int, classes: int) -> None:
        """Builds it with weights of zero.

        Args:
            settings: Which statistics.
            channels: C, channels of a pixel.
            patch: Width of the patch in pixels.
            classes: K, number of classes.
        """
        super().__init__()
        self.describe = PatchStatistics(settings.statistics, channels, patch)
        self.register_buffer("weight", torch.zeros(classes, self.describe.width))
        self.register_buffer("bias", torch.zeros(classes))

    def set_weights(self, weight: Tensor, bias: Tensor) -> None:
        """Takes weights (K, F) and bias (K,)."""
        self.weight.copy_(weight)
        self.bias.copy_(bias)

    def embed(self, channels: Tensor, inside: Tensor) -> Tensor:
        """(..., C + 1) of channels (..., C) and inside (..., 1), to take the windows of."""
        return torch.cat([channels * inside, inside.to(channels.dtype)], dim=-1)

    def forward(self, patches: Tensor) -> Tensor:
        """Logits (B, K) float32 of patches (B, P, P, C + 1)."""
        # In lower precision the difference of squares behind a deviation would be noise.
        with torch.autocast(patches.device.type, enabled=False):
            return nn.functional.linear(self.describe(patches.float()), self.weight, self.bias)
