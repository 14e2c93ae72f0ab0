"""Tiling of a scene for dense extraction: tiles, halos, and the attention's window grid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bdgf.raster.windows import round_up


@dataclass(frozen=True)
class FeatureTile:
    """A tile and the region that is computed for it, in pixels of the scene.

    Attributes:
        rows: Rows of the tile.
        columns: Columns of the tile.
        region_rows: Rows with halo, on the window grid; may reach beyond the scene.
        region_columns: Columns with halo.
    """

    rows: slice
    columns: slice
    region_rows: slice
    region_columns: slice

    def inside(self, level: int = 0) -> tuple[slice, slice]:
        """The tile's rows and columns within its region, in cells of `level`."""
        return (
            _within(self.rows, self.region_rows, level),
            _within(self.columns, self.region_columns, level),
        )


def cut(shape: tuple[int, int], side: int, halo: int, window: int) -> Iterator[FeatureTile]:
    """Cuts a scene into tiles whose regions lie on the grid of attention windows.

    Args:
        shape: (H, W) of the scene.
        side: Side of a tile, a multiple of `window`.
        halo: Least halo, rounded up to a multiple of `window`.
        window: Side of an attention window in pixels.
    """
    margin = round_up(halo, window)

    def spans(length: int) -> list[tuple[slice, slice]]:
        padded = round_up(length, window)
        return [
            (
                slice(start, min(start + side, length)),
                slice(max(start - margin, 0), min(start + side + margin, padded)),
            )
            for start in range(0, length, side)
        ]

    for rows, region_rows in spans(shape[0]):
        for columns, region_columns in spans(shape[1]):
            yield FeatureTile(rows, columns, region_rows, region_columns)


def tile_side(
    tile: Literal["auto"] | int, shape: tuple[int, int], window: int, pixels: float, largest: int
) -> int:
    """Side of a tile in pixels, a multiple of the attention window.

    Args:
        tile: The side asked for, rounded up; `auto` takes the whole scene where it fits into
            memory, else `largest`.
        shape: (H, W) of the scene.
        window: Side of an attention window in pixels.
        pixels: How many pixels fit into memory at once.
        largest: Side of the largest tile that does with its halo.
    """
    whole = round_up(max(shape), window)
    if tile != "auto":
        return min(round_up(tile, window), whole)
    if round_up(shape[0], window) * round_up(shape[1], window) <= pixels:
        return whole
    return largest


def calibration_regions(
    shape: tuple[int, int], window: int, pixels: float
) -> list[tuple[slice, slice]]:
    """Regions of one size that the frozen normalisation is measured on.

    Args:
        shape: (H, W) of the scene.
        window: Side of an attention window in pixels.
        pixels: Most pixels of all regions together.

    Returns:
        (rows, columns) of the whole scene where it has no more pixels, else of squares spread
        evenly over it; on the window grid, so they may reach beyond the scene.
    """
    rows, columns = (round_up(side, window) for side in shape)
    if rows * columns <= pixels:
        return [(slice(0, rows), slice(0, columns))]
    windows_across = 4
    side = min(windows_across * window, rows, columns)
    side = max(min(side, int(math.sqrt(pixels)) // window * window), window)
    grid = [
        (r, c) for r in range(0, rows - side + 1, side) for c in range(0, columns - side + 1, side)
    ]
    count = max(1, min(int(pixels // side**2), len(grid)))
    chosen = [grid[(2 * i + 1) * len(grid) // (2 * count)] for i in range(count)]
    return [(slice(r, r + side), slice(c, c + side)) for r, c in chosen]


def _within(part: slice, region: slice, level: int) -> slice:
    start, stop = part.start - region.start, part.stop - region.start
    return slice(start >> level, -(-stop // 2**level))
