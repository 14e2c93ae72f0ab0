"""Layers whose cells are a whole number of the scene's pixels wide: each value is repeated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bdgf.raster.windows import Window
from bdgf.scenes.ingest.grid import PixelGrid, apart_when_turned
from bdgf.scenes.scene import ModalityArray


def whole_multiple(fine: PixelGrid, coarse: PixelGrid, tolerance: float) -> int | None:
    """How many pixels wide a cell of another grid is, where the grids share their lines.

    Both begin at one corner, and cover the same pixels but for a part of one cell at the other
    edges. Mirrored grids count too.

    Args:
        fine: A grid with a place.
        coarse: Another, in the same coordinate reference system.
        tolerance: How far corners may lie apart, in cells of `coarse`.

    Returns:
        2 or more; None where the grids are no such two.
    """
    if fine.transform is None or coarse.transform is None:
        return None
    between = ~fine.transform @ coarse.transform  # cell of `coarse` -> pixel of `fine`
    size = round(abs(between.a))
    if size < 2 or not covers(fine.shape, coarse.shape, size):
        return None
    apart = apart_when_turned(coarsened(fine, size, coarse.shape), coarse)
    return size if apart <= tolerance else None


def coarsened(fine: PixelGrid, size: int, shape: tuple[int, int]) -> PixelGrid:
    """The grid of cells that are `size` pixels wide and begin at the same corner.

    Args:
        fine: The grid of pixels.
        size: Side of a cell in pixels.
        shape: Rows and columns of cells.
    """
    from affine import Affine

    transform = None if fine.transform is None else fine.transform @ Affine.scale(size)
    return PixelGrid(shape, fine.crs, transform)


def covers(pixels: tuple[int, int], cells: tuple[int, int], size: int) -> bool:
    """Whether cells cover an image but for less than one cell, or reach less than one beyond it."""
    return all(abs(n * size - length) < size for n, length in zip(cells, pixels, strict=True))


def repeated(
    image: ModalityArray, size: int, shape: tuple[int, int], offset: tuple[int, int] = (0, 0)
) -> ModalityArray:
    """A modality with the value of each cell on all its pixels.

    Args:
        image: (h, w, bands) in cells.
        size: Side of a cell in pixels.
        shape: Rows and columns H, W of pixels; those beyond the last cell have no data.
        offset: Row and column of the first of these pixels within the first cell.
    """
    values = np.zeros((*shape, image.values.shape[2]), image.values.dtype)
    has_data = np.zeros(shape, bool)
    sides = zip(image.values.shape[:2], shape, offset, strict=True)
    bottom, right = (max(min(n * size - first, side), 0) for n, side, first in sides)
    across = (np.arange(right) + offset[1]) // size
    for row in range(bottom):
        cell = (row + offset[0]) // size
        values[row, :right] = image.values[cell, across]
        has_data[row, :right] = image.has_data is None or image.has_data[cell, across]
    return replace(image, values=values, has_data=has_data, cell_size=size)


def cells_under(pixels: Window, size: int, cells: tuple[int, int]) -> Window:
    """The cells that a window of pixels touches, at least one even where it lies beyond them.

    Args:
        pixels: The window in pixels.
        size: Side of a cell in pixels.
        cells: Rows and columns of cells.
    """
    spans = []
    for part, count in zip((pixels.rows, pixels.columns), cells, strict=True):
        first = min(part.start // size, count - 1)
        spans.append(slice(first, max(min(-(-part.stop // size), count), first + 1)))
    return Window(*spans)


def cell_numbers(cells: tuple[int, int], size: int, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) int64: number of each pixel's cell, counted row by row; -1 beyond the last cell.

    Args:
        cells: Rows and columns of cells.
        size: Side of a cell in pixels.
        shape: Rows and columns H, W of pixels.
    """
    rows, columns = (np.arange(length) // size for length in shape)
    numbers = rows[:, None] * cells[1] + columns
    numbers[rows >= cells[0]] = -1
    numbers[:, columns >= cells[1]] = -1
    return numbers
