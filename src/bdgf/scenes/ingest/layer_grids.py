"""The scene's grid, and layers on other grids.

A layer is an image or a label map. The scene's grid is that of the modality that `grid` names, else
of the finest spectral one; where another is finer, and the first has cells of a whole number of its
pixels, it is that one's. Layers with larger cells on the same lines repeat each value; `resample`
brings all others onto the grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.config import LabelMap, Modality, ResamplingMethod, SceneConfig
from bdgf.scenes.ingest.axes import settle_axes, with_named_axes
from bdgf.scenes.ingest.cell_sizes import coarsened, covers, whole_multiple
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.grid import (
    PixelGrid,
    apart_when_turned,
    common_georeference,
    turned_alike,
    turned_to,
)
from bdgf.scenes.ingest.reference_systems import are_one, horizontal, names
from bdgf.scenes.readers.raw_array import X, Y
from bdgf.scenes.scene import LABELS, OFFICIAL_TEST, OFFICIAL_TRAIN

Layers = Mapping[str, FoundArray[Any]]


@dataclass(frozen=True)
class OwnGrid:
    """The grid of a layer that does not lie on the scene's.

    Attributes:
        grid: Its grid.
        cell_size: Side of one cell in pixels of the scene, where that is a whole number.
        resample: How the layer comes onto the scene's grid otherwise.
    """

    grid: PixelGrid
    cell_size: int | None
    resample: ResamplingMethod | None


@dataclass(frozen=True)
class SettledLayers:
    """All layers with axes (y, x, band), turned as the scene's grid lies.

    Attributes:
        grid: The scene's grid.
        reference: Files of a layer on it, for messages.
        layers: The layers, each on its own grid.
        own: The grids of those that lie on another.
    """

    grid: PixelGrid
    reference: str
    layers: dict[str, FoundArray[Any]]
    own: dict[str, OwnGrid]


def layer_settings(config: SceneConfig) -> dict[str, Modality | LabelMap]:
    """The settings of each layer that is configured."""
    maps = {
        LABELS: config.labels,
        OFFICIAL_TRAIN: config.official_train,
        OFFICIAL_TEST: config.official_test,
    }
    images = {f"modality {name}": modality for name, modality in config.modalities.items()}
    return {**images, **{item: settings for item, settings in maps.items() if settings is not None}}


def settle_layers(
    scene: str,
    layers: Layers,
    settings: Mapping[str, Modality | LabelMap],
    config: SceneConfig,
) -> SettledLayers:
    """Finds the scene's grid and each layer's.

    Args:
        scene: The scene's name, for messages.
        layers: The images, then the label maps.
        settings: Of each layer.
        config: The scene's configuration.

    Raises:
        SceneError: A layer lies neither on the scene's grid nor on one that comes onto it; names
            the setting that helps.
    """
    named = {key: with_named_axes(found) for key, found in layers.items()}
    places = {key: _place(found) for key, found in named.items()}
    reference = _reference(scene, named, places, settings, config)
    own = {
        key: None
        for key in named
        if _is_set(settings[key])
        or (key != reference and _has_larger_cells(named, places, reference, key, config))
    }
    together = {key: found for key, found in named.items() if key not in own}
    shape, settled = settle_axes(scene, list(together.values()), config.shape)
    settled = turned_alike(scene, settled, shape, config.grid_tolerance)
    crs, transform = common_georeference(scene, settled, shape, config.grid_tolerance)
    grid = PixelGrid(shape, crs, transform)
    turned = dict(zip(together, settled, strict=True))
    where = named[reference].where
    grids: dict[str, OwnGrid] = {}
    for key in own:
        if settings[key].resample is None:
            turned[key], grids[key] = _coarse(named[key], settings[key], grid, where, config)
        else:
            turned[key], grids[key] = _elsewhere(named[key], settings[key], grid, where, config)
    return SettledLayers(grid, where, {key: turned[key] for key in named}, grids)


def _is_set(setting: Modality | LabelMap) -> bool:
    return setting.resample is not None or setting.cell_size is not None


def _place(found: FoundArray[Any]) -> PixelGrid | None:
    """The grid of a layer whose axes and place are known; None where they are not.

    Raises:
        SceneError: Its files lie on several.
    """
    grids = []
    for array in found.arrays:
        if array.transform is None or not {Y, X} <= set(array.axes or ()):
            return None
        assert array.axes is not None
        rows, columns = (array.values.shape[array.axes.index(axis)] for axis in (Y, X))
        crs = None if array.crs is None or array.crs_is_assumed else horizontal(array.crs)
        grids.append(PixelGrid((rows, columns), crs, array.transform))
    for name, grid in zip(found.source.file, grids, strict=True):
        if grid.shape != grids[0].shape:
            raise SceneError(
                f"{found.scene}: {name} is {_size(grid.shape)} pixels but {found.source.file[0]} "
                f"{_size(grids[0].shape)}; the files of one image lie on one grid: make {name} a "
                "modality of its own"
            )
    return grids[0]


def _reference(
    scene: str,
    named: Layers,
    places: Mapping[str, PixelGrid | None],
    settings: Mapping[str, Modality | LabelMap],
    config: SceneConfig,
) -> str:
    """The layer whose grid is the scene's."""
    by_name = {f"modality {name}": name for name in config.modalities}
    if config.grid is not None:
        key = f"modality {config.grid}"
        if key not in named:
            raise SceneError(
                f"{scene}: `grid` names '{config.grid}', whose files are not there; name another"
            )
        return key
    images = [key for key in named if key in by_name]
    if not images:
        return next(iter(named))
    free = [key for key in images if not _is_set(settings[key])]
    if not free:
        raise SceneError(
            f"{scene}: each modality has `resample` or `cell_size`, so that no grid is the "
            "scene's; leave it out for the modality on whose grid the map shall lie"
        )
    spectral = [key for key in free if config.modalities[by_name[key]].kind == "spectral"] or free
    placed = [key for key in spectral if places[key] is not None]
    if not placed:
        return spectral[0]

    def cell(key: str) -> float:
        return _cell(places[key])

    reference = min(placed, key=cell)
    for key in sorted((key for key in free if places[key] is not None), key=cell):
        if _multiple(places[key], places[reference], config.grid_tolerance) is not None:
            return key
    return reference


def _cell(grid: PixelGrid | None) -> float:
    """Side of a cell in the units of its coordinates."""
    assert grid is not None
    assert grid.transform is not None
    return float(np.sqrt(abs(grid.transform.determinant)))


def _multiple(fine: PixelGrid | None, coarse: PixelGrid | None, tolerance: float) -> int | None:
    if fine is None or coarse is None or not _same_system(fine, coarse):
        return None
    return whole_multiple(fine, coarse, tolerance)


def _same_system(one: PixelGrid, other: PixelGrid) -> bool:
    """Whether coordinates mean the same; a system that is not known is that of the other."""
    if one.crs is None or other.crs is None:
        return True
    return are_one(one.crs, other.crs, one.transform, one.shape)


def _has_larger_cells(
    named: Layers,
    places: Mapping[str, PixelGrid | None],
    reference: str,
    key: str,
    config: SceneConfig,
) -> bool:
    """Whether a layer's cells are a whole number of the reference's pixels wide.

    Raises:
        SceneError: It has another number of pixels, and they are not.
    """
    there, here = places[reference], places[key]
    if there is None or here is None:
        return False
    if _multiple(there, here, config.grid_tolerance) is not None:
        return True
    if there.shape != here.shape:
        raise _off_grid(named[key], here, there, named[reference].where)
    return False


def _off_grid(
    found: FoundArray[Any], here: PixelGrid, there: PixelGrid, reference: str
) -> SceneError:
    """Why a layer does not fit the scene's grid, and the setting that helps."""
    if not _same_system(there, here):
        one, other = names(there.crs, here.crs)
        reason = f"{reference} is in {one} but {found.where} in {other}"
    else:
        reason = (
            f"{found.where} is {_size(here.shape)} cells of {_cell(here):.6g} but {reference} "
            f"{_size(there.shape)} of {_cell(there):.6g}, and their lines do not meet from one "
            "corner on to the other edges"
        )
    is_image = found.key != found.item
    methods = "`bilinear`, `average` or `nearest`" if is_image else "`nearest`"
    return SceneError(
        f"{found.scene}: {reason}; say how it comes onto that grid: `{found.key}.resample` is "
        f"{methods}"
    )


def _coarse(
    found: FoundArray[Any],
    setting: Modality | LabelMap,
    grid: PixelGrid,
    reference: str,
    config: SceneConfig,
) -> tuple[FoundArray[Any], OwnGrid]:
    """A layer whose cells are a whole number of pixels wide, by its place or by its setting."""
    size, place = setting.cell_size, _place(found)
    if size is None:
        assert place is not None
        size = whole_multiple(grid, place, config.grid_tolerance)
    if size is None:
        assert place is not None
        raise _off_grid(found, place, grid, reference)
    expected = tuple(-(-length // size) for length in grid.shape)
    shape, (settled,) = settle_axes(found.scene, [found], (expected[0], expected[1]))
    if not covers(grid.shape, shape, size):
        raise SceneError(
            f"{found.about} is {_size(shape)} cells of {size} pixels, which do not cover the "
            f"{_size(grid.shape)} pixels of {reference}; correct `{found.key}.cell_size`"
        )
    cells = coarsened(grid, size, shape)
    settled = turned_to(settled, cells, reference, config.grid_tolerance)
    for array in settled.arrays:
        here = PixelGrid(shape, cells.crs, array.transform)
        if array.transform is not None and cells.transform is not None:
            apart = apart_when_turned(cells, here)
            if apart > config.grid_tolerance:
                raise _off_grid(found, here, grid, reference)
    return settled, OwnGrid(cells, size, None)


def _elsewhere(
    found: FoundArray[Any],
    setting: Modality | LabelMap,
    grid: PixelGrid,
    reference: str,
    config: SceneConfig,
) -> tuple[FoundArray[Any], OwnGrid]:
    """A layer that is resampled, still on its own grid."""
    shape, settled = settle_axes(found.scene, [found], None)
    settled = turned_alike(found.scene, settled, shape, config.grid_tolerance)
    crs, transform = common_georeference(found.scene, settled, shape, config.grid_tolerance)
    for where, place in ((found.where, transform), (reference, grid.transform)):
        if place is None:
            raise SceneError(
                f"{found.scene}: `{found.key}.resample` needs the places of both grids, but "
                f"{where} has none; where its cells are a whole number of pixels wide, set "
                "`cell_size` instead"
            )
    own = PixelGrid(shape, crs, transform)
    return settled[0], OwnGrid(own, None, setting.resample)


def _size(shape: tuple[int, int]) -> str:
    return "x".join(map(str, shape))
