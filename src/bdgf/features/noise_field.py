"""One noise field for a whole scene, drawn piece by piece on demand."""

from __future__ import annotations

import numpy as np

BLOCK = 64
"""Side in pixels of the blocks that are drawn at once; part of the field's definition."""


class NoiseField:
    """Normal noise that depends on the seed and the position only.

    So overlapping tiles see the same noise, and no more of it is held than one tile needs.
    """

    def __init__(
        self, channels: int, seed: int, sigma: float = 1.0, corner: tuple[int, int] = (0, 0)
    ) -> None:
        """Defines the field.

        Args:
            channels: Number of channels C.
            seed: Seed of the whole field.
            sigma: Standard deviation; nothing is drawn for 0.
            corner: Row and column of the raster that rows and columns are counted from.
        """
        self.channels, self.seed, self.sigma, self.corner = channels, seed, sigma, corner

    def region(self, rows: slice, columns: slice) -> np.ndarray:
        """The field in a region.

        Args:
            rows: Rows from the corner, start and stop given.
            columns: Columns likewise.

        Returns:
            (C, rows, columns) float32.
        """
        if self.sigma == 0:
            shape = (self.channels, rows.stop - rows.start, columns.stop - columns.start)
            return np.zeros(shape, np.float32)
        rows, columns = (
            slice(first + part.start, first + part.stop)
            for first, part in zip(self.corner, (rows, columns), strict=True)
        )
        first_row, first_column = rows.start // BLOCK, columns.start // BLOCK
        drawn = [
            [self._block(i, j) for j in range(first_column, -(-columns.stop // BLOCK))]
            for i in range(first_row, -(-rows.stop // BLOCK))
        ]
        field = np.concatenate([np.concatenate(row, axis=2) for row in drawn], axis=1)
        top, left = rows.start - first_row * BLOCK, columns.start - first_column * BLOCK
        return field[
            :, top : top + rows.stop - rows.start, left : left + columns.stop - columns.start
        ]

    def _block(self, i: int, j: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, i, j])
        drawn = rng.standard_normal((self.channels, BLOCK, BLOCK), dtype=np.float32)
        return drawn * np.float32(self.sigma)
