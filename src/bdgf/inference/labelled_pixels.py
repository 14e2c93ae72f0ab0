"""Probabilities at the labelled pixels of a scene that is mapped block by block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bdgf.core.storage import writing
from bdgf.raster.windows import Window


@dataclass(frozen=True)
class LabelledPixels:
    """A model's probabilities at the labelled pixels, in a file that a killed run can resume.

    Attributes:
        path: The file.
        labels: (H, W) uint8 class ids of the model, 0 = unlabelled.
        classes: K.
        layer: The layer that is taken.
    """

    path: Path
    labels: np.ndarray
    classes: int
    layer: str

    @classmethod
    def open(cls, path: Path, labels: np.ndarray, classes: int, layer: str) -> LabelledPixels:
        """Opens or creates the file.

        Raises:
            StorageError: The disk refuses.
        """
        size = 4 * classes * int((labels > 0).sum())
        if not path.exists() or path.stat().st_size != size:
            with writing(path, size), path.open("wb") as file:
                file.truncate(size)
        return cls(path, labels, classes, layer)

    def take(self, window: Window, layers: dict[str, np.ndarray]) -> None:
        """Stores the labelled pixels of a block.

        Args:
            window: Where the block lies.
            layers: Its layers; `layer` is (K, h, w).
        """
        inside = self.labels[window.index] > 0
        if not inside.any():
            return
        rows, columns = np.nonzero(inside)
        flat = (rows + window.rows.start) * self.labels.shape[1] + columns + window.columns.start
        with writing(self.path):
            stored = np.memmap(self.path, np.float32, "r+", shape=(self._count, self.classes))
            stored[np.searchsorted(self._places, flat)] = layers[self.layer][:, inside].T
            stored.flush()

    @property
    def truth(self) -> np.ndarray:
        """(N,) class ids, row by row."""
        return self.labels[self.labels > 0]

    @property
    def probabilities(self) -> np.ndarray:
        """(N, K) float32, in the same order; 0 where there is no data."""
        return np.fromfile(self.path, np.float32).reshape(self._count, self.classes)

    @cached_property
    def _places(self) -> np.ndarray:
        return np.flatnonzero(self.labels)

    @property
    def _count(self) -> int:
        return len(self._places)
