"""How an estimator reads a scene: features of a limited number of pixels at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bdgf.raster.windows import row_bands

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.features.source import FeatureSource

PixelReader = Callable[[np.ndarray], np.ndarray]
"""From the wanted pixels, (H, W) bool and at least one, to what describes each: (N, F) float32,
row-major."""

_BAND = 65_536
"""Pixels of a band: each may be described by some hundred features."""


class PixelFeatures(Protocol):
    """What describes a pixel, once fitted."""

    @property
    def patch(self) -> int:
        """Side in pixels of the window that it comes from."""
        ...

    def table(self, prepared: xr.Dataset, cube: FeatureSource | None) -> PixelReader:
        """Reads a scene.

        Args:
            prepared: The prepared scene.
            cube: Its diffusion features, where the model uses them.
        """
        ...

    def state(self) -> dict[str, np.ndarray]:
        """What fitting found."""
        ...


def reader_of_maps(maps: np.ndarray) -> PixelReader:
    """A table of (F, H, W) float32 maps."""
    return lambda wanted: np.ascontiguousarray(maps[:, wanted].T)


def wanted_bands(wanted: np.ndarray) -> Iterator[np.ndarray]:
    """The wanted pixels in bands of rows, so that no table of a whole large scene is held.

    Args:
        wanted: (H, W) bool.

    Yields:
        (H, W) bool, from the first row to the last; bands without a wanted pixel are left out.
    """
    height, width = wanted.shape
    for rows in row_bands(height, max(_BAND // width, 1)):
        if wanted[rows].any():
            band = np.zeros_like(wanted)
            band[rows] = wanted[rows]
            yield band
