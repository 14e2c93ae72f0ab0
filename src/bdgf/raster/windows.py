"""Windows: rectangles of a raster, and the halo that a step needs around one.

Every step of a prediction has a finite reach. What it makes of a window grown by that reach is, in
the window, what it makes of the whole raster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_BAND_VALUES = 2**24
"""Values of a band of rows that is held: 64 MiB of float32."""
_CHUNK = 64
"""Rows of a chunk of the files that hold rasters."""


@dataclass(frozen=True)
class Window:
    """Rows and columns of a raster, in pixels.

    Attributes:
        rows: With start and stop.
        columns: Likewise.
    """

    rows: slice
    columns: slice

    @classmethod
    def of_shape(cls, shape: tuple[int, int]) -> Window:
        """The whole of a raster of (H, W) pixels."""
        return cls(slice(0, shape[0]), slice(0, shape[1]))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def grown(self, reach: int, shape: tuple[int, int]) -> Window:
        """The window with its surroundings, as far as the raster goes.

        Args:
            reach: Pixels on each side.
            shape: (H, W) of the raster.
        """
        return Window(
            slice(max(self.rows.start - reach, 0), min(self.rows.stop + reach, shape[0])),
            slice(max(self.columns.start - reach, 0), min(self.columns.stop + reach, shape[1])),
        )

    def within(self, outer: Window) -> Window:
        """Where the window lies within another one that holds it."""
        top, left = outer.rows.start, outer.columns.start
        return Window(
            slice(self.rows.start - top, self.rows.stop - top),
            slice(self.columns.start - left, self.columns.stop - left),
        )

    @property
    def limits(self) -> tuple[int, int, int, int]:
        """First and last row (excluded), first and last column."""
        return self.rows.start, self.rows.stop, self.columns.start, self.columns.stop

    @property
    def index(self) -> tuple[slice, slice]:
        """The index into an array (H, W)."""
        return self.rows, self.columns


def round_up(value: int, multiple: int) -> int:
    """The least multiple that is no less than the value."""
    return -(-value // multiple) * multiple


def blocks(shape: tuple[int, int], side: int) -> Iterator[Window]:
    """Cuts a raster into squares, row by row; those at the lower and right edge may be smaller.

    Args:
        shape: (H, W) of the raster.
        side: Side of a square in pixels.
    """
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            yield Window(
                slice(top, min(top + side, shape[0])), slice(left, min(left + side, shape[1]))
            )


def row_bands(height: int, rows: int) -> Iterator[slice]:
    """Cuts a raster's rows into bands, from the first to the last; the last may be smaller.

    Args:
        height: Rows of the raster.
        rows: Rows of a band.
    """
    for first in range(0, height, rows):
        yield slice(first, min(first + rows, height))


def rows_within(values: int, most: int = _BAND_VALUES) -> int:
    """Rows of a band that holds no more than so many values, whole rows of chunks if it can.

    Args:
        values: Values of one row.
        most: Values of a band.
    """
    rows = max(most // values, 1)
    return rows // _CHUNK * _CHUNK or rows
