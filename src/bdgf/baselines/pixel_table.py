"""How a classifier of tables reads a scene: some pixels at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.diffusion.feature_cube import FeatureCube

PixelTable = Callable[[np.ndarray], np.ndarray]
"""From the wanted pixels, (H, W) bool, to what describes each: (N, F) float32, row-major."""


class PixelFeatures(Protocol):
    """What describes a pixel, once fitted."""

    @property
    def patch(self) -> int:
        """Side in pixels of the window that it comes from."""
        ...

    def table(self, prepared: xr.Dataset, cube: FeatureCube | None) -> PixelTable:
        """Reads a scene.

        Args:
            prepared: The prepared scene.
            cube: Its diffusion features, where the model uses them.
        """
        ...

    def state(self) -> dict[str, np.ndarray]:
        """What fitting found."""
        ...


def table_of_maps(maps: np.ndarray) -> PixelTable:
    """A table of (F, H, W) float32 maps."""
    return lambda wanted: np.ascontiguousarray(maps[:, wanted].T)
