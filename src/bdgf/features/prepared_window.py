"""A window of a stored prepared scene and of its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from bdgf.core.machine_memory import GIB
from bdgf.features.source import FeatureSource, WindowFeatures
from bdgf.preprocessing.prepared_channels import channel_slices
from bdgf.raster.patches import level_patch
from bdgf.raster.windows import Window, round_up

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.training.devices import DeviceSettings

_CHANNEL, _FEATURE = 4, 2
"""Bytes of a number."""


@dataclass(frozen=True)
class PreparedWindow:
    """A window and its margin in memory.

    Attributes:
        prepared: The prepared scene there.
        features: Its features, where there are some.
        core: Where the window lies in it.
    """

    prepared: xr.Dataset
    features: WindowFeatures | None
    core: Window


def read_window(
    prepared: xr.Dataset, cube: FeatureSource | None, window: Window, reach: int
) -> PreparedWindow:
    """Reads a window and its margin.

    Args:
        prepared: The prepared scene, which may be read lazily.
        cube: Its features; None where there are none.
        window: Where.
        reach: Pixels on each side, as far as the scene goes; more of them where cells of the
            coarsest features begin or end elsewhere.
    """
    levels = cube.levels if cube is not None else []
    cell = 2 ** max(levels, default=0)
    shape = (prepared.sizes["y"], prepared.sizes["x"])

    def span(part: slice, length: int) -> slice:
        start = max(part.start - reach, 0) // cell * cell
        return slice(start, min(round_up(part.stop + reach, cell), length))

    outer = Window(span(window.rows, shape[0]), span(window.columns, shape[1]))
    features = None
    if cube is not None:
        maps = {}
        for level in levels:
            rows, columns = (
                slice(part.start >> level, ceil(part.stop / 2**level)) for part in outer.index
            )
            maps[level] = cube.read(level, rows, columns)
        features = WindowFeatures(outer.shape, maps)
    part = prepared.isel(y=outer.rows, x=outer.columns).load()
    return PreparedWindow(part, features, window.within(outer))


def resident_bytes(prepared: xr.Dataset, cube: FeatureSource | None = None) -> int:
    """Memory of a prepared scene's channels and its features."""
    height, width = prepared.sizes["y"], prepared.sizes["x"]
    channels = max(part.stop for part in channel_slices(prepared).values())
    total = _CHANNEL * channels * height * width
    if cube is not None:
        for level in cube.levels:
            cells = ceil(height / 2**level) * ceil(width / 2**level)
            total += _FEATURE * len(cube.moments(level)[0]) * cells
    return total


def fits_into_memory(
    prepared: xr.Dataset, cube: FeatureSource | None, devices: DeviceSettings | None
) -> bool:
    """Whether a scene is held in memory as `devices` has it; it is where there are none."""
    if devices is None:
        return True
    return resident_bytes(prepared, cube) <= devices.resident_gib * GIB


def classifier_reach(patch: int, levels: Sequence[int]) -> int:
    """Pixels around a pixel that a classifier looks at.

    Args:
        patch: Side of its patch in pixels.
        levels: Levels of diffusion features that it reads: a patch of their cells, or those
            that a pixel lies between.
    """
    cells = [(max(level_patch(patch, level) // 2, 1) + 1) * 2**level for level in levels]
    return max([patch // 2, *cells])
