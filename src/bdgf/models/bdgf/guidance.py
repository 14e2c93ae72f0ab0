"""Guides: how diffusion features guide a branch at one stage.

[stated] feature fusion, group channel attention and cross-attention. [chosen] their forms below and
their pairing with the branches; any guide can be put on any branch. Every guide takes the branch's
grid (B, h, w, C) and the diffusion features of the stage's level (B, h', w', G), both channels
last, so that projections need no copies, and returns the guided grid (B, h, w, C).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from bdgf.core.errors import SettingsError
from bdgf.core.settings import Settings
from bdgf.nn.fused.cells import (
    OUTPUTS,
    Cells,
    padded,
    product_weights,
    resampled,
    run,
    scores_room,
    softmax_scale,
    weighted_sums,
)
from bdgf.nn.resampling import Resample, alignment_weights, centre_weights


class GuideSettings(Settings):
    """Sizes of the guides. Chosen by this project, not the paper."""

    width: int = Field(
        32, ge=1, description="Number of channels to which each level's features are projected"
    )
    groups: int = Field(8, ge=1, description="Channel groups of group channel attention")
    heads: int = Field(1, ge=1, description="Heads of cross-attention")
    feature_limit: float = Field(
        8.0, gt=0, description="Standardised features are clipped at plus and minus this value"
    )
    dropout: float = Field(
        0.5, ge=0, lt=1, description="Dropout rate of projected feature channels"
    )
    closed: bool = Field(
        False,
        description="Whether each channel of what a guide changes has a gate, which starts closed",
    )
    gate_penalty: float = Field(
        0.0, ge=0, description="Weight of the gates' mean absolute value in the loss"
    )

    @model_validator(mode="after")
    def _priced_gates(self) -> GuideSettings:
        if self.gate_penalty and not self.closed:
            raise ValueError("gate_penalty is a price of gates; set closed: true, or leave it 0")
        return self


@dataclass(frozen=True)
class GuideGeometry:
    """Where a guide stands.

    Attributes:
        channels: C, width of the branch.
        patch: Width of the patch in pixels.
        grid: h = w, width of the branch's grid at the stage.
        level_patch: h' = w', width of the level's patch in cells.
        level: The stage's level.
    """

    channels: int
    patch: int
    grid: int
    level_patch: int
    level: int


class NoGuide(nn.Module):
    """Leaves the branch as it is."""

    def __init__(self, geometry: GuideGeometry, settings: GuideSettings) -> None:
        super().__init__()

    def forward(self, grid: Tensor, features: Tensor) -> Tensor:
        """Returns the grid (B, h, w, C)."""
        return grid

    def fused(self, cells: Cells, features: Cells) -> None:
        """Leaves the cells as they are."""


class FeatureFusion(nn.Module):
    """Concatenate, 1x1 convolution, residual."""

    def __init__(self, geometry: GuideGeometry, settings: GuideSettings) -> None:
        super().__init__()
        channels = geometry.channels
        self.align = Resample(
            alignment_weights(geometry.patch, geometry.grid, geometry.level_patch, geometry.level)
        )
        self.fusible = self.align.identity or settings.width % OUTPUTS == 0
        self.norm = nn.LayerNorm(channels)
        self.fuse = nn.Linear(channels + settings.width, channels)

    def forward(self, grid: Tensor, features: Tensor) -> Tensor:
        """Guides (B, h, w, C) by (B, h', w', G)."""
        joined = torch.cat([self.norm(grid), self.align(features)], dim=-1)
        return grid + functional.gelu(self.fuse(joined))

    def fused(self, cells: Cells, features: Cells) -> None:
        """Guides cells in place."""
        from bdgf.nn.fused import kernels

        if not self.align.identity:
            features = resampled(features, self.align.matrix)
        channels, width, row = cells.channels, features.channels, cells.row
        weight, bias = product_weights(self.fuse)  # (C + G, C)
        own, theirs = weight.split([channels, width])
        bias = torch.addmv(bias, own.t(), self.norm.bias)
        run(
            kernels.feature_fusion,
            len(cells.data),
            cells.data.numel() * len(weight),
            ((channels, width, row), self.norm.eps),
            *(cells.data, features.data),
            (own * self.norm.weight[:, None], bias, theirs),
            scratch=2 * channels * row,
        )


class GroupChannelAttention(nn.Module):
    """Gates on the branch's channels, computed group by group from pooled diffusion features.

    The pooled features (mean of the patch, and its centre cell) are split in G groups; each group
    computes the gates of its group of channels. A gate lies in (0, 2) and starts near one.
    """

    centre: Tensor

    def __init__(self, geometry: GuideGeometry, settings: GuideSettings) -> None:
        """Builds the gates.

        Raises:
            SettingsError: The groups do not divide the branch's or the guides' width.
        """
        super().__init__()
        for name, width in (("branch", geometry.channels), ("guide", settings.width)):
            if width % settings.groups:
                raise SettingsError(
                    f"group channel attention splits the {name} width {width} in "
                    f"{settings.groups} groups of unequal size; change guide.groups or the width"
                )
        # A grouped 1x1 convolution is one linear map for each group.
        self.gates = nn.Sequential(
            nn.Conv1d(2 * settings.width, geometry.channels, 1, groups=settings.groups),
            nn.GELU(),
            nn.Conv1d(geometry.channels, geometry.channels, 1, groups=settings.groups),
        )
        self.groups = settings.groups
        self.register_buffer("centre", centre_weights(geometry.level_patch), persistent=False)

    def forward(self, grid: Tensor, features: Tensor) -> Tensor:
        """Guides (B, h, w, C) by (B, h', w', G)."""
        cells = features.flatten(1, 2)  # (B, h' * w', G)
        mean = cells.mean(1, dtype=torch.float32)
        centre = torch.einsum("n,bng->bg", self.centre.to(cells.dtype), cells)
        return grid * self._gates(mean, centre)[:, None, None]

    def fused(self, cells: Cells, features: Cells) -> None:
        """Guides cells in place."""
        even = self.centre.new_full((features.count,), 1 / features.count)
        mean, centre = (weighted_sums(features, weights) for weights in (even, self.centre))
        cells.data.mul_(self._gates(mean, centre)[..., None])

    def _gates(self, mean: Tensor, centre: Tensor) -> Tensor:
        # (B, C). Each group sees its own channels of both poolings (B, G).
        pooled = torch.cat(
            [mean.unflatten(1, (self.groups, -1)), centre.unflatten(1, (self.groups, -1))], dim=2
        ).flatten(1)
        return 2 * torch.sigmoid(self.gates(pooled[..., None])[..., 0])


class CrossAttention(nn.Module):
    """Branch tokens ask, diffusion tokens answer; residual, with learned positional embeddings."""

    def __init__(self, geometry: GuideGeometry, settings: GuideSettings) -> None:
        """Builds the attention.

        Raises:
            SettingsError: The heads do not divide the branch's width.
        """
        super().__init__()
        channels, self.heads = geometry.channels, settings.heads
        if channels % settings.heads:
            raise SettingsError(
                f"cross-attention splits the branch width {channels} over {settings.heads} heads "
                "unequally; change guide.heads or the width"
            )
        self.fusible = channels // settings.heads % OUTPUTS == 0
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(settings.width, 2 * channels)
        self.output = nn.Linear(channels, channels)
        self.query_positional_embedding = nn.Parameter(
            torch.randn(geometry.grid**2, channels) * 0.02
        )
        self.key_positional_embedding = nn.Parameter(
            torch.randn(geometry.level_patch**2, channels) * 0.02
        )

    def forward(self, grid: Tensor, features: Tensor) -> Tensor:
        """Guides (B, h, w, C) by (B, h', w', G)."""
        query = (
            self.query(self.norm(grid).flatten(1, 2)) + self.query_positional_embedding
        )  # (B, h * w, C)
        key, value = self.key_value(features.flatten(1, 2)).chunk(2, dim=-1)  # (B, h' * w', C)
        q, k, v = (
            tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, tokens, C / heads)
            for tokens in (query, key + self.key_positional_embedding, value)
        )
        answers = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        guided: Tensor = grid + self.output(answers).view_as(grid)
        return guided

    def fused(self, cells: Cells, features: Cells) -> None:
        """Guides cells in place."""
        from bdgf.nn.fused import kernels

        channels, row, their_row = cells.channels, cells.row, features.row
        scale = torch.full((channels,), softmax_scale(channels // self.heads))
        weights = (
            *product_weights(self.query, self.norm, scale),
            padded(self.query_positional_embedding.t() * scale[:, None]),
            *product_weights(self.key_value),
            padded(self.key_positional_embedding.t()),
            *product_weights(self.output),
        )
        operations = 2 * channels * row + 2 * features.channels * their_row
        run(
            kernels.cross_attention,
            len(cells.data),
            cells.data.numel() * 2 * features.count + len(cells.data) * channels * operations,
            (
                (channels, row, self.heads),
                (features.channels, features.count, their_row),
                self.norm.eps,
            ),
            *(cells.data, features.data),
            weights,
            scratch=2 * channels * (row + their_row) + scores_room(features.count),
        )


class Gated(nn.Module):
    """A guide behind a gate for each channel, which starts closed: the branch begins unguided.

    With gate g, grid + g * (guided - grid). The idea is that of ReZero (Bachlechner et al., UAI
    2021).
    """

    def __init__(self, guide: nn.Module, channels: int) -> None:
        super().__init__()
        self.guide = guide
        self.gate = nn.Parameter(torch.zeros(channels))
        self.fusible = getattr(guide, "fusible", True)

    def forward(self, grid: Tensor, features: Tensor) -> Tensor:
        """Guides (B, h, w, C) by (B, h', w', G)."""
        change: Tensor = self.guide(grid, features) - grid
        return torch.addcmul(grid, self.gate.to(grid.dtype), change)

    def fused(self, cells: Cells, features: Cells) -> None:
        """Guides cells in place."""
        before = cells.data.clone()
        guide: Any = self.guide
        guide.fused(cells, features)
        cells.data.sub_(before).mul_(self.gate[:, None]).add_(before)


GUIDES: dict[str, type[nn.Module]] = {
    "none": NoGuide,
    "feature_fusion": FeatureFusion,
    "group_channel_attention": GroupChannelAttention,
    "cross_attention": CrossAttention,
}


def make_guide(name: str, geometry: GuideGeometry, settings: GuideSettings) -> nn.Module:
    """The guide registered as `name`.

    Raises:
        SettingsError: There is no such guide, or the widths do not fit it.
    """
    if name not in GUIDES:
        raise SettingsError(f"unknown guide {name!r}; the guides are {', '.join(GUIDES)}")
    guide = GUIDES[name](geometry, settings)
    if settings.closed and not isinstance(guide, NoGuide):
        return Gated(guide, geometry.channels)
    return guide
