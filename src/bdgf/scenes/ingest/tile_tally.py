"""What is told of a mosaic: its size, its gaps, and where its tiles differ.

All roads tell the same, whether the tiles are joined at once, some rows at a time, or in windows
of any order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from bdgf.raster.windows import Window, row_bands, rows_within
from bdgf.scenes.ingest.found_array import FoundArray, SourceT, TileOwners, TilePlace

log = logging.getLogger(__name__)

_SEVERAL = 2
"""Tiles from which on they may differ."""


class TileTally:
    """Counts in the rows of a mosaic; rows that are read twice count once."""

    def __init__(self, found: FoundArray[SourceT]) -> None:
        """Counts nothing yet.

        Args:
            found: The mosaic; its one array has the size of the whole.
        """
        self._about, self._tiles = found.about, len(found.tiles)
        self._shape = found.arrays[0].values.shape[:2]
        self._bare, self._differing = np.zeros((2, self._shape[0]), np.int64)

    def add(self, rows: slice, owners: TileOwners) -> None:
        """Counts whole rows.

        Args:
            rows: Which, in pixels of the mosaic.
            owners: The tiles of their pixels.
        """
        self._bare[rows] = (owners.numbers == 0).sum(axis=1)
        self._differing[rows] = owners.differing

    def add_window(self, window: Window, owners: TileOwners) -> None:
        """Counts where tiles differ in a window; windows that overlap count twice.

        Args:
            window: Which, in pixels of the mosaic.
            owners: The tiles of its pixels.
        """
        self._differing[window.rows] += owners.differing

    def add_gap(self, window: Window) -> None:
        """Counts a window that lies in no tile; windows that overlap count twice."""
        self._bare[window.rows] += window.shape[1]

    def tell(self) -> None:
        """Logs the size and the gaps, and warns of pixels of which tiles hold other values."""
        bare, differing = int(self._bare.sum()), int(self._differing.sum())
        rows, columns = self._shape
        share = 100 * bare / (rows * columns)
        log.info(
            "%s: %d tiles joined to %d x %d pixels%s",
            *(self._about, self._tiles, rows, columns),
            f", {share:.2g} % of them in no tile" if bare else "",
        )
        if differing:
            log.warning(
                "%s: %d pixels lie in several tiles that hold other values there; the first tile "
                "in order counts",
                *(self._about, differing),
            )


def tell_joined(found: FoundArray[SourceT]) -> None:
    """Tells it of a mosaic that is joined whole."""
    if found.owners is not None:
        tally = TileTally(found)
        tally.add(slice(None), found.owners)
        tally.tell()


def tell_by_windows(
    found: FoundArray[SourceT], joined: Callable[[Window], FoundArray[SourceT]]
) -> None:
    """Tells it of a mosaic that is read in windows; only where tiles overlap it is read.

    Args:
        found: The mosaic, as `described`.
        joined: Reads a window of it.
    """
    tally = TileTally(found)
    bands = found.arrays[0].values.shape[2]
    for window, tiles in _covered(found.tiles, found.arrays[0].values.shape[:2]):
        if tiles == 0:
            tally.add_gap(window)
        if tiles < _SEVERAL:
            continue
        height, width = window.shape
        for rows in row_bands(height, rows_within(width * bands)):
            start = window.rows.start
            part = Window(slice(start + rows.start, start + rows.stop), window.columns)
            owners = joined(part).owners
            assert owners is not None
            tally.add_window(part, owners)
    tally.tell()


def _covered(places: Sequence[TilePlace], shape: Sequence[int]) -> Iterator[tuple[Window, int]]:
    """Windows that together are the mosaic, and how many tiles each lies in; 2 means several."""
    for rows in _between(((p.row, p.shape[0]) for p in places), shape[0]):
        here = [p for p in places if p.row <= rows.start < p.row + p.shape[0]]
        spans: list[tuple[slice, int]] = []
        for part in _between(((p.column, p.shape[1]) for p in here), shape[1]):
            inside = sum(p.column <= part.start < p.column + p.shape[1] for p in here)
            tiles = min(inside, _SEVERAL)
            if spans and spans[-1][1] == tiles:  # neighbours are read at once
                part = slice(spans.pop()[0].start, part.stop)
            spans.append((part, tiles))
        for columns, tiles in spans:
            yield Window(rows, columns), tiles


def _between(lengths: Iterable[tuple[int, int]], whole: int) -> Iterator[slice]:
    """The parts of an axis between the ends of tiles, given as (first, length)."""
    edges = {0, whole} | {edge for first, n in lengths for edge in (first, first + n)}
    for start, stop in pairwise(sorted(edges)):
        yield slice(start, stop)
