"""Resampling between the small square grids of a patch, as products with constant matrices.

The grids have a dozen cells a side at most, so one matrix product is quicker than a general
resampling operator, and it is repeatable on every device.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def stage_size(patch: int, stage: int) -> int:
    """Width of a branch's grid at `stage`: 11, 6, 3 for a patch of 11 px (chosen here)."""
    return -(-patch // 2**stage)


def pooling_weights(source: int, target: int) -> Tensor:
    """Weights (target, source) that average overlapping cells: symmetric, every row sums to one.

    A target cell averages the source cells that it covers, each by the share that it covers.
    """
    edges = torch.arange(target + 1, dtype=torch.float64) * source / target
    cells = torch.arange(source, dtype=torch.float64)
    start = torch.maximum(edges[:-1, None], cells)
    stop = torch.minimum(edges[1:, None], cells + 1)
    covered = (stop - start).clamp(min=0)
    return (covered / covered.sum(1, keepdim=True)).float()


def alignment_weights(patch: int, target: int, source: int, level: int) -> Tensor:
    """Weights (target, source) that read a level's patch at the places of a branch's cells.

    Linear interpolation. The branch's grid divides the patch into `target` cells; the level has
    `source` cells of 2**level pixels and the same centre (the centre pixel's place inside its
    coarse cell is neglected).

    Args:
        patch: Width of the patch in pixels.
        target: Width of the branch's grid in cells.
        source: Width of the level's patch in cells.
        level: The level.
    """
    if target == source:
        return torch.eye(source)
    pixels = (torch.arange(target, dtype=torch.float64) + 0.5) * patch / target - patch / 2
    places = (pixels / 2**level + source // 2).clamp(0, source - 1)
    distance = (places[:, None] - torch.arange(source, dtype=torch.float64)).abs()
    return (1 - distance).clamp(min=0).float()


class Resample(nn.Module):
    """Applies the same weights along rows and columns: (B, h, w, C) -> (B, h', w', C)."""

    matrix: Tensor

    def __init__(self, weights: Tensor) -> None:
        """Takes (target, source) weights."""
        super().__init__()
        self.target, self.source = weights.shape
        self.identity = self.target == self.source and bool(weights.equal(torch.eye(self.target)))
        # Constant, so not part of the weights on disk.
        self.register_buffer("matrix", torch.kron(weights, weights), persistent=False)

    def forward(self, grid: Tensor) -> Tensor:
        """Resamples (B, h, w, C) to (B, h', w', C)."""
        if self.identity:
            return grid
        batch, channels = grid.shape[0], grid.shape[-1]
        cells = grid.reshape(batch, self.source**2, channels)
        resampled = torch.matmul(self.matrix.to(grid.dtype), cells)  # (B, h' * w', C)
        return resampled.view(batch, self.target, self.target, channels)


def centre_weights(size: int) -> Tensor:
    """Weights (size * size,) of a grid's centre: its middle cell or its middle four."""
    middle = torch.zeros(size)
    middle[(size - 1) // 2 : size // 2 + 1] = 1
    grid = torch.outer(middle, middle).flatten()
    return grid / grid.sum()
