"""What the fitted branches see of a pixel: its channels, statistics of its patch, its features."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Annotated

import torch
from pydantic import AfterValidator
from torch import Tensor, nn

FEATURES = "features"
"""Name of the components of the diffusion features at the pixel."""
AVERAGES = "averages"
"""In a set, it adds the averages of adjacent bands to the channels and to their statistics."""

_NAME = re.compile(r"(mean|deviation):(\d+(?:\.\d+)?)")


def _check_statistic(name: str) -> str:
    found = _NAME.fullmatch(name)
    if name not in (FEATURES, AVERAGES) and not (found and float(found[2])):
        raise ValueError(
            f"{name!r} is not a statistic; write 'mean:<sigma>' or 'deviation:<sigma>', sigma the "
            f"Gaussian window's in pixels, more than 0, or '{FEATURES}' or '{AVERAGES}'"
        )
    return name


Statistic = Annotated[str, AfterValidator(_check_statistic)]
"""`mean:<sigma>`, `deviation:<sigma>`, `features` or `averages`."""
StatisticSet = tuple[Statistic, ...]


def without(sets: Iterable[StatisticSet], absent: Collection[str]) -> tuple[StatisticSet, ...]:
    """The sets as they are where some names stand for nothing: each one once.

    Args:
        sets: The sets.
        absent: Of `features` and `averages`, those that the scene has none of.
    """
    return tuple(dict.fromkeys(tuple(n for n in names if n not in absent) for names in sets))


class PatchStatistics(nn.Module):
    """The centre pixel's channels, Gaussian statistics of its patch over valid pixels, components.

    Attributes:
        statistics: The statistics' names, in order; `features` stands last.
        channels: C, channels of a pixel.
        components: Components of the diffusion features, of all levels.
        averages: Which of the channels are averages of adjacent bands.
    """

    windows: Tensor

    def __init__(
        self,
        statistics: Iterable[str],
        channels: int,
        patch: int,
        components: int = 0,
        averages: Iterable[int] = (),
    ) -> None:
        """Takes the statistics' names, C, the width of the patch, and how many components.

        Args:
            statistics: Names; one that is given twice is there once.
            channels: C.
            patch: Width of the patch in pixels.
            components: Components of the diffusion features; `features` needs some.
            averages: Which of the channels are averages of adjacent bands.
        """
        super().__init__()
        own = (FEATURES, AVERAGES)
        names = tuple(name for name in dict.fromkeys(statistics) if name not in own)
        self.statistics = names + (FEATURES,) * (components > 0)
        self.channels, self.components = channels, components
        self.averages = frozenset(averages)
        matches = [_NAME.fullmatch(name) for name in names]
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
        return self.channels * (1 + len(self.places)) + self.components

    def columns(self, names: Iterable[str]) -> list[int]:
        """Which of the F numbers are the pixel's own channels and the statistics `names`."""
        names = set(names)
        own = [c for c in range(self.channels) if AVERAGES in names or c not in self.averages]
        found = list(own)
        for place, name in enumerate(self.statistics, 1):
            if name in names:
                start = self.channels * place
                within = range(self.components) if name == FEATURES else own
                found += [start + column for column in within]
        return found

    def forward(self, patches: Tensor, components: Tensor | None = None) -> Tensor:
        """Describes the centre pixels.

        Args:
            patches: (B, P, P, C + 1): channels, zero where there is no data, and last whether there
                is.
            components: (B, components), where there are some.

        Returns:
            (B, F): the centre's channels, then those of each statistic, then the components.
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
        if components is not None:
            described.append(components.to(patches.dtype))
        return torch.cat(described, dim=-1)
