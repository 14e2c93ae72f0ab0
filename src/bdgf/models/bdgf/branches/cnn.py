"""The block of the CNN branch: a depthwise convolution, then a channel mixer."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from bdgf.core.settings import Settings
from bdgf.nn.fused.cells import Cells, layers_of, padded, product_weights, run


class CnnSettings(Settings):
    """The CNN branch. Chosen by this project, not the paper."""

    kernel: int = Field(3, ge=1, description="Width of the depthwise kernel in cells, odd")
    expansion: int = Field(2, ge=1, description="Width of the channel mixer relative to the branch")


class CnnBlock(nn.Module):
    """Residual: depthwise convolution, layer norm, two 1x1 convolutions; (B, h, h, C) to the same.

    Layer norm rather than batch norm: with few labels a batch's statistics are those of a handful
    of pixels.
    """

    neighbours: Tensor

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
        neighbours = _existing_neighbours(size, settings.kernel)
        self.register_buffer("neighbours", padded(neighbours), persistent=False)

    def forward(self, grid: Tensor) -> Tensor:
        """Mixes (B, h, h, C)."""
        # A permuted view of channels-last cells is what the convolution wants: nothing is copied.
        mixed = self.spatial(grid.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        mixed = self.mix(self.norm(mixed))
        return grid + mixed

    def fused(self, cells: Cells) -> None:
        """Mixes cells in place."""
        from bdgf.nn.fused import kernels

        channels, kernel, row = cells.channels, self.spatial.kernel_size[0], cells.row
        up, down = layers_of(self.mix, nn.Linear)
        bias = self.spatial.bias
        assert bias is not None
        size, hidden = math.isqrt(cells.count), up.out_features
        weights = (
            *(self.neighbours, self.spatial.weight.contiguous(), bias),
            *product_weights(up, self.norm),
            *product_weights(down),
        )
        run(
            kernels.cnn_block,
            len(cells.data),
            cells.data.numel() * 2 * hidden,
            ((channels, size, row, kernel, hidden), self.norm.eps),
            cells.data,
            weights,
            scratch=(2 * channels + hidden + 1) * row + kernel * (size + 1),
        )


def _existing_neighbours(size: int, kernel: int) -> Tensor:
    """(kernel, size * size), 1 where the neighbour so many columns to the left or right exists."""
    columns = torch.arange(size * size) % size
    found = columns + torch.arange(kernel)[:, None] - kernel // 2
    return ((found >= 0) & (found < size)).float()
