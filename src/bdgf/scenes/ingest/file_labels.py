"""The labels of a scene whose images stay in their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.raster.windows import row_bands
from bdgf.scenes.config import SceneConfig
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.ingest.hollow_layers import FIRST, hollow, lie_alike
from bdgf.scenes.ingest.label_maps import label_maps, table_of
from bdgf.scenes.ingest.layer_grids import SettledLayers, layer_settings, settle_layers
from bdgf.scenes.ingest.layer_placement import labels_on_grid
from bdgf.scenes.ingest.official_pixels import refuse_unsaid_list
from bdgf.scenes.ingest.read_scene import find_maps
from bdgf.scenes.ingest.source_files import SceneFolders
from bdgf.scenes.ingest.tile_numbers import TileNumbers, tile_numbers
from bdgf.scenes.ingest.vector_labels import Grid, vector_labels
from bdgf.scenes.readers.isolation import read_raw
from bdgf.scenes.readers.raw_array import WindowsError
from bdgf.scenes.scene import LABELS
from bdgf.scenes.sources import ImageSource, LabelSource

if TYPE_CHECKING:
    from bdgf.scenes.classes import ClassTable

Images = Mapping[str, FoundArray[ImageSource]]

_LABEL_ROWS = 512
"""Rows of a label map that are read at a time."""


@dataclass(frozen=True)
class LabelLayers:
    """The label maps of a scene.

    Attributes:
        maps: (H, W) class ids, 0 = unlabelled, by the variable that they are in a scene.
        classes: Their classes.
        config: The scene's configuration, with what the labels' files told of the classes.
        groups: (H, W) int32, the polygon or point that a pixel belongs to; None without such.
        tiles: The tiles of the label maps, for a scene whose images have none.
    """

    maps: dict[str, np.ndarray]
    classes: ClassTable
    config: SceneConfig
    groups: np.ndarray | None
    tiles: TileNumbers | None = None


def labels_of_files(
    place: SceneFolders, config: SceneConfig, images: Images, grid: PixelGrid
) -> tuple[np.ndarray, ClassTable] | None:
    """The scene's labels and classes; a plain map of numbers is read some rows at a time.

    Args:
        place: Where the files are looked for.
        config: The scene's configuration.
        images: A part of each modality's files.
        grid: The scene's grid.

    Returns:
        (H, W) uint8 class ids and the classes; None where there are no labels.

    Raises:
        SceneError: A label file is damaged, or lies on another grid.
    """
    if config.labels is None and config.official_train is None:
        return None
    if (by_rows := _labels_by_rows(place, config, images, grid.shape)) is not None:
        return by_rows
    found = label_layers(place, config, images, grid)
    merged = found.maps.get(LABELS)
    if merged is None:
        merged = np.maximum.reduce(list(found.maps.values()))
    return (merged, found.classes) if merged.any() else None


def label_layers(
    place: SceneFolders, config: SceneConfig, images: Images, grid: PixelGrid
) -> LabelLayers:
    """All label maps of a scene; a plain one that is the only one is read some rows at a time.

    Args:
        place: Where the files are looked for.
        config: The scene's configuration.
        images: A part of each modality's files.
        grid: The scene's grid.

    Raises:
        SceneError: A label file is damaged, or lies on another grid.
    """
    if config.official_train is None:
        by_rows = _labels_by_rows(place, config, images, grid.shape)
        if by_rows is not None:
            return LabelLayers({LABELS: by_rows[0]}, by_rows[1], config, None)
    maps = find_maps(place, config)
    vectors = {item: found for item, found in maps.items() if found.vectors is not None}
    for item, found in maps.items():
        if item != LABELS and item not in vectors:
            refuse_unsaid_list(found)
    grids = {
        item: found
        for item, found in maps.items()
        if found.source.form != "pixels" and item not in vectors
    }
    settled = _settled_with(place, config, images, grids)
    tiles = tile_numbers(settled)
    for item in grids:
        maps[item] = settled.layers[item]
        if item in settled.own:
            maps[item] = labels_on_grid(maps[item], settled.own[item], settled.grid)
    burned = vector_labels(vectors, config, Grid(grid.crs, grid.transform, grid.shape))
    ids = label_maps(place.scene, maps, burned.config, burned.maps)
    rasters = [found for item, found in maps.items() if item not in vectors]
    classes = table_of(burned.config, ids, rasters)
    return LabelLayers(ids, classes, burned.config, burned.groups, tiles)


def label_paths(place: SceneFolders, config: SceneConfig) -> list[Path]:
    """The files of the labels and the official maps that are there, unread."""
    maps = (config.labels, config.official_train, config.official_test)
    return [
        path
        for labels in maps
        if labels is not None
        for source in labels.sources
        for path in place.find(source.file) or ()
    ]


def _labels_by_rows(
    place: SceneFolders, config: SceneConfig, images: Images, shape: tuple[int, int]
) -> tuple[np.ndarray, ClassTable] | None:
    """Labels as numbers in a raster of the scene's size; None where they are anything else."""
    if config.labels is None:
        return None
    first = replace(place, window=FIRST.limits)
    try:
        found = first.read(LABELS, config.labels.sources, config.labels.optional)
        if found is None or not _is_plain(found, shape):
            return None
        layers = {LABELS: hollow(found)}
    except WindowsError:
        return None
    settled = _settled_with(place, config, images, layers)
    if LABELS in settled.own or not lie_alike(layers[LABELS], settled.layers[LABELS]):
        return None
    labels = np.zeros(shape, np.uint8)
    for rows in row_bands(shape[0], _LABEL_ROWS):
        limits = (rows.start, rows.stop, 0, shape[1])
        variable = found.source.variable
        array = read_raw(found.paths[0], variable, place.reading, place.folders, limits)
        part = replace(found, arrays=(array,))
        labels[rows] = label_maps(place.scene, {LABELS: part}, config)[LABELS]
    if not labels.any():
        return None
    return labels, table_of(config, {LABELS: labels}, [found])


def _settled_with(
    place: SceneFolders, config: SceneConfig, images: Images, maps: Mapping[str, FoundArray[Any]]
) -> SettledLayers:
    """The grids of the images and of label maps."""
    hollows = {f"modality {m}": hollow(found) for m, found in images.items()}
    return settle_layers(place.scene, {**hollows, **maps}, layer_settings(config), config)


def _is_plain(found: FoundArray[LabelSource], shape: tuple[int, int]) -> bool:
    array = found.arrays[0]
    return (
        len(found.arrays) == 1
        and not found.tiles
        and found.source.form != "pixels"
        and found.source.axes is None
        and array.whole == shape
        and array.values.shape[2:] == (1,)
        and array.alpha is None
        and array.regions is None
        and array.palette is None
    )
