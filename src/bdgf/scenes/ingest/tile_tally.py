"""What is told of a mosaic: its size, its gaps, and where its tiles differ.

Both roads tell the same, whether the tiles are joined at once or some rows at a time.
"""

from __future__ import annotations

import logging

import numpy as np

from bdgf.scenes.ingest.found_array import FoundArray, SourceT, TileOwners

log = logging.getLogger(__name__)


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
