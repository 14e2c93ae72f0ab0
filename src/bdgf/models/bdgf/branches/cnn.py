"""The block of the CNN branch: a depthwise convolution, then a channel mixer."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from bdgf.core.settings import Settings


class CnnSettings(Settings):
    """The CNN branch. Chosen by this project, not the paper."""

    kernel: int = Field(3, ge=1, description="Width of the depthwise kernel in cells, odd")
    expansion: int = Field(2, ge=1, description="Width of the channel mixer relative to the branch")


class CnnBlock(nn.Module):
    """Residual: depthwise convolution, layer norm, two 1x1 convolutions; (B, h, h, C) to the same.

    Layer norm rather than batch norm: with few labels a batch's statistics are those of a handful
    of pixels.
    """

    def __init__(self, size: int, width: int, settings: CnnSettings) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(
            width, width, settings.kernel, padding=settings.kernel // 2, groups=width
        )
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Sequential(
            nn.Linear(width, settings.expansion * width),
            nn.GELU(),
            nn.Linear(settings.expansion * width, width),
        )

    def forward(self, grid: Tensor) -> Tensor:
        """Mixes (B, h, h, C)."""
        # A permuted view of channels-last cells is what the convolution wants: nothing is copied.
        mixed = self.spatial(grid.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        mixed = self.mix(self.norm(mixed))
        return grid + mixed
