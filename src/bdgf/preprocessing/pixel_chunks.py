"""The valid pixels of a modality, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from bdgf.raster.windows import row_bands

_CHUNK_VALUES = 4_000_000  # float64 values of a modality held at once: 32 MB


def rows_at_once(width: int, bands: int) -> int:
    """Rows of a modality of so many columns and bands that are held at once."""
    return max(1, _CHUNK_VALUES // (width * bands))


def pixel_chunks(modality: xr.DataArray, mask: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Slices of rows and their valid pixels (N, B) float64, a bounded number at a time."""
    for rows, pixels in stored_chunks(modality, mask):
        yield rows, pixels.astype(np.float64)


def stored_chunks(modality: xr.DataArray, mask: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """The same in the type in which they are stored."""
    height, width, bands = modality.shape
    for rows in row_bands(height, rows_at_once(width, bands)):
        yield rows, modality[rows].to_numpy()[mask[rows]]
