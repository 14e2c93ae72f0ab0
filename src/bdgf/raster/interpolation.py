"""Values of a coarse level at a pixel, interpolated from its cells."""

from __future__ import annotations

import torch
from torch import Tensor


def interpolate_cells(
    maps: Tensor,
    valid: Tensor,
    rows: Tensor,
    cols: Tensor,
    level: int,
    first_row: int = 0,
    *,
    complete: Tensor | None = None,
) -> Tensor:
    """Bilinear interpolation between the centres of the cells around each pixel.

    Cells that hold no valid pixel, and places outside the map, count nowhere; the others take
    their share. So a valid pixel has the weight of its own cell at least.

    Args:
        maps: (h, w, C): a map at `level`, whose cells are 2**level pixels wide.
        valid: (h, w) bool: whether a cell holds a valid pixel.
        rows: (B,) int64, the pixels' rows in the scene (level 0).
        cols: (B,) int64, their columns.
        level: The map's level.
        first_row: The row of the level's grid that is the map's first.
        complete: (h, w) bool: cells that count nowhere either where it is false; None: all count.

    Returns:
        (B, C) float32; zero where no cell around is valid.
    """
    height, width = valid.shape
    if level == 0:
        return maps[rows - first_row, cols].float()
    total = torch.zeros(len(rows), maps.shape[-1], device=maps.device)
    weight_sum = total.new_zeros(len(rows), 1)
    (above, down), (left, right) = _place(rows, level), _place(cols, level)
    for row_step, row_weight in ((0, 1 - down), (1, down)):
        for col_step, col_weight in ((0, 1 - right), (1, right)):
            row, col = above + row_step - first_row, left + col_step
            inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
            row, col = row.clamp(0, height - 1), col.clamp(0, width - 1)
            counts = inside & valid[row, col]
            if complete is not None:
                counts &= complete[row, col]
            weight = (row_weight * col_weight * counts)[:, None]
            # A cell that holds no valid pixel may hold anything.
            total += torch.where(weight > 0, weight * maps[row, col].float(), 0.0)
            weight_sum += weight
    return total / weight_sum.clamp(min=torch.finfo(torch.float32).tiny)


def _place(index: Tensor, level: int) -> tuple[Tensor, Tensor]:
    # The cell whose centre is the last one before the pixel's, and how far behind it, in cells.
    place = (index.float() + 0.5) / 2**level - 0.5
    before = place.floor()
    return before.long(), place - before
