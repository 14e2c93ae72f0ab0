"""The block of the Mamba branch: selective scans over a grid's cells, in both directions."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from bdgf.core.settings import Settings
from bdgf.nn.fused.cells import Cells
from bdgf.nn.fused.mamba import can_fuse_scans, mix_by_scans
from bdgf.nn.mamba import BidirectionalMamba

ScanOrder = Literal["spiral", "rows"]


class MambaSettings(Settings):
    """The Mamba branch. Chosen here, but for the scan in both directions; the paper is silent."""

    order: ScanOrder = Field(
        "spiral",
        description="Order of a patch's pixels: `spiral` from the corner inwards, so that "
        "the forward scan ends at the centre pixel, or `rows`",
    )
    d_state: int = Field(8, ge=1, description="N, size of the scan's state")
    d_conv: int = Field(3, ge=1, description="Width of the convolution along the scan")
    expand: int = Field(1, ge=1, description="Inner width relative to the branch")
    backend: str = Field("auto", description="Backend of the selective scan")


def scan_positions(size: int, order: ScanOrder) -> Tensor:
    """Positions row * size + column of a grid's cells in the order of the scan, (size * size,)."""
    grid = torch.arange(size * size).view(size, size)
    if order == "rows":
        return grid.flatten()
    spiral = []
    while grid.numel():
        spiral.append(grid[0])  # the top row, left to right
        grid = torch.rot90(grid[1:])  # the rest, turned so that its next side is on top
    return torch.cat(spiral)


class MambaBlock(nn.Module):
    """Residual: layer norm, then Mamba along the cells in both directions; (B, h, h, C) to it."""

    order: Tensor

    def __init__(self, size: int, width: int, settings: MambaSettings) -> None:
        super().__init__()
        order = scan_positions(size, settings.order)
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("inverse_order", order.argsort(), persistent=False)
        self.norm = nn.LayerNorm(width)
        self.scan = BidirectionalMamba(
            d_model=width,
            d_state=settings.d_state,
            d_conv=settings.d_conv,
            expand=settings.expand,
            backend=settings.backend,
        )
        self.fusible = can_fuse_scans(size * size, width, self.scan)

    def forward(self, grid: Tensor) -> Tensor:
        """Mixes (B, h, h, C)."""
        sequence = self.norm(grid).flatten(1, 2).index_select(1, self.order)  # (B, h * h, C)
        mixed = self.scan(sequence).index_select(1, self.inverse_order)
        return grid + mixed.view_as(grid)

    def fused(self, cells: Cells) -> None:
        """Mixes cells in place."""
        mix_by_scans(cells, self.order, self.norm, self.scan)
