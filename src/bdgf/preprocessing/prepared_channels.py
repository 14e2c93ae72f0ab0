"""The channels of a prepared scene: where each modality's lie, and which of them are what."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from bdgf.core.machine_memory import GIB
from bdgf.core.mapped_file import mapped_array, release
from bdgf.raster.windows import row_bands, rows_within
from bdgf.scenes.scene import modality_names

COMPONENTS = "components, the leading first"
"""Attribute `channels` of a modality that was reduced."""
AVERAGES = "averages"
"""Attribute that counts the averages of adjacent bands, a modality's last channels."""


def is_reduced(modality: xr.DataArray) -> bool:
    """Whether a prepared modality's channels are components of its bands, the leading first."""
    return modality.attrs.get("channels") == COMPONENTS


def stack_channels(
    prepared: xr.Dataset, resident_gib: float = math.inf
) -> tuple[np.ndarray, dict[str, slice]]:
    """The channels of all modalities in one array.

    Args:
        prepared: A prepared scene.
        resident_gib: Where they take more GiB than this, the array lies in a file and is filled
            some rows at a time.

    Returns:
        (C, H, W) float32 and each modality's slice of the C channels.
    """
    slices = channel_slices(prepared)
    size = (prepared.sizes["y"], prepared.sizes["x"])
    shape = (max(part.stop for part in slices.values()), *size)
    if 4 * math.prod(shape) <= resident_gib * GIB:
        return np.concatenate([prepared[name].to_numpy() for name in slices]), slices
    stacked = mapped_array(shape, np.float32)
    for rows in row_bands(shape[1], rows_within(shape[0] * shape[2])):
        for name, part in slices.items():
            stacked[part, rows] = prepared[name][:, rows].to_numpy()
        release(stacked)
    return stacked, slices


def channel_slices(prepared: xr.Dataset) -> dict[str, slice]:
    """Each modality's slice of the channels of all, in the order of the modalities."""
    slices, start = {}, 0
    for name in modality_names(prepared):
        slices[name] = slice(start, start + prepared.sizes[f"band_{name}"])
        start = slices[name].stop
    return slices


def count_averages(modality: xr.DataArray) -> int:
    """How many of a prepared modality's channels are averages of adjacent bands: the last ones."""
    return int(modality.attrs.get(AVERAGES, 0))


def without_averages(modality: xr.DataArray) -> np.ndarray:
    """(C, H, W) channels of a prepared modality that are no averages of adjacent bands."""
    own: np.ndarray = modality[: len(modality) - count_averages(modality)].to_numpy()
    return own


def average_channels(prepared: xr.Dataset) -> tuple[int, ...]:
    """Which of the channels of all modalities are averages of adjacent bands."""
    return tuple(
        channel
        for name, part in channel_slices(prepared).items()
        for channel in range(part.stop - count_averages(prepared[name]), part.stop)
    )
