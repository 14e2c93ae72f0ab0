"""Layers whose cells are a whole number of the scene's pixels wide: each value is repeated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

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


def repeated(image: ModalityArray, size: int, shape: tuple[int, int]) -> ModalityArray:
    """A modality with the value of each cell on all its pixels.

    Args:
        image: (h, w, bands) in cells.
        size: Side of a cell in pixels.
        shape: Rows and columns H, W of pixels; those beyond the last cell have no data.
    """
    rows, columns = image.values.shape[:2]
    bottom, right = (min(n * size, s) for n, s in zip((rows, columns), shape, strict=True))
    values = np.zeros((*shape, image.values.shape[2]), image.values.dtype)
    has_data = np.zeros(shape, bool)
    across = np.arange(right) // size
    for row in range(bottom):
        values[row, :right] = image.values[row // size, across]
        has_data[row, :right] = image.has_data is None or image.has_data[row // size, across]
    return replace(image, values=values, has_data=has_data, cell_size=size)


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
