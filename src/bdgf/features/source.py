"""Sources of a classifier's diffusion features: a cube on disk, or one window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class FeatureSource(Protocol):
    """Diffusion features of a prepared raster.

    Attributes:
        name: What it is called in messages.
        shape: (H, W) of the raster.
        levels: The levels that are there, finest first.
    """

    @property
    def name(self) -> str:
        """Its name in messages."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the raster."""
        ...

    @property
    def levels(self) -> list[int]:
        """The available levels, finest first."""
        ...

    def read(
        self, level: int, rows: slice | None = None, columns: slice | None = None
    ) -> np.ndarray:
        """(C_l, rows, columns) float16 features, of the level's grid; None for all of them."""
        ...

    def moments(self, level: int) -> tuple[np.ndarray, np.ndarray]:
        """(C_l,) float32 mean and standard deviation of each channel, for training."""
        ...


@dataclass(frozen=True)
class WindowFeatures:
    """Features of one window in memory, made with a model that is trained already.

    Attributes:
        shape: (H, W) of the window.
        maps: Level -> (C_l, ceil(H / 2**l), ceil(W / 2**l)) float16.
    """

    shape: tuple[int, int]
    maps: Mapping[int, np.ndarray]
    name: str = "the features of a window"

    @property
    def levels(self) -> list[int]:
        """The levels, finest first."""
        return sorted(self.maps)

    def read(
        self, level: int, rows: slice | None = None, columns: slice | None = None
    ) -> np.ndarray:
        """Features of one level."""
        return self.maps[level][:, rows or slice(None), columns or slice(None)]

    def moments(self, level: int) -> tuple[np.ndarray, np.ndarray]:
        """None, because a trained model keeps the moments of its own scene."""
        count = len(self.maps[level])
        return np.zeros(count, np.float32), np.ones(count, np.float32)
