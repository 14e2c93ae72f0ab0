"""Writes a scene that does not fit into memory from its raw files to `scene.nc`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.core.machine_memory import GIB
from bdgf.raster.streamed import Part, StreamedDataset, hollow
from bdgf.raster.windows import Window, row_bands, rows_within
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.file_windows import FileWindows
from bdgf.scenes.ingest.open_scene import large_windows
from bdgf.scenes.ingest.read_scene import IngestSettings, check_labels, read_scene
from bdgf.scenes.ingest.tile_tally import TileTally
from bdgf.scenes.mask_variables import mask_variables
from bdgf.scenes.masks import modality_mask, tell_missing
from bdgf.scenes.scene import (
    LABELS,
    assembled_scene,
    merged_labels,
    valid_mask,
    with_groups,
)
from bdgf.scenes.scene_folders import scene_folders
from bdgf.scenes.tiles import with_tiles

log = logging.getLogger(__name__)


def ingest_resident_or_streamed(
    name: str, configuration: Mapping[str, Any], settings: IngestSettings
) -> xr.Dataset | StreamedDataset:
    """Reads a scene: into memory where it fits, else so that it is read while it is written.

    Both are the same scene. One that only can be read whole is.

    Args:
        name: The scene's name.
        configuration: What its YAML file holds below the name.
        settings: Where its files are looked for, and what may be held.

    Raises:
        SettingsError: The configuration is wrong.
        SceneError: The files are.
    """
    config = parse_scene_config(name, configuration)
    folders = scene_folders(name, config, settings.folders, settings.mirror)
    opened = large_windows(name, config, folders, settings, settings.resident_gib)
    # Whose tiles are repeated, since its cells are larger, is only read whole.
    if opened is None or opened.tiled in opened.own:
        return read_scene(name, config, folders, settings)
    return streamed_scene(opened)


def streamed_scene(source: FileWindows) -> StreamedDataset:
    """The scene of files that are read window by window, as it is written.

    Args:
        source: The files.

    Returns:
        The modalities in parts; masks, labels and all else when these were made.
    """
    log.info(
        "%s: %dx%d pixels, %.3g GiB: read from its files, some rows at a time",
        *(source.name, *source.shape, source.resident_bytes / GIB),
    )
    if source.config.shape not in (None, source.shape):
        shapes = ("x".join(map(str, shape or ())) for shape in (source.shape, source.config.shape))
        log.warning("%s: %s pixels, but published with %s", source.name, *shapes)
    labelled = source.label_layers()  # before anything is written: what is wrong is told first
    names = list(source.modalities)
    masks = {name: np.zeros(source.shape, bool) for name in names}
    valid = np.zeros(source.shape, bool)
    tiles = None if source.tiled is None else np.zeros(source.shape, np.int32)
    ranges = {name: [np.inf, -np.inf] for name in names}
    forms = {name: _form(source, name) for name in names}
    tallies = {name: TileTally(found) for name, found in source.images.items() if found.tiles}

    def parts() -> Iterator[Part]:
        width = source.shape[1]
        bands = sum(form.bands for form in source.modalities.values())
        for rows in row_bands(source.shape[0], rows_within(width * bands)):
            read = source.read_tiled(Window(rows, slice(0, width)))
            part = read.scene
            if tiles is not None and read.numbers is not None:
                tiles[rows] = read.numbers
            for name, (cells, owners) in read.joined.items():
                tallies[name].add(cells, owners)
            valid[rows] = valid_mask(part)
            for name in names:
                here, values = modality_mask(part, name), part[name].to_numpy()
                masks[name][rows] = here
                if here.any():
                    least, greatest = ranges[name]
                    ranges[name] = [
                        min(least, values[here].min()),
                        max(greatest, values[here].max()),
                    ]
                yield Part(name, (rows, slice(None), slice(None)), values)
        _check_ranges(source, ranges)
        for tally in tallies.values():
            tally.tell()

    def rest() -> xr.Dataset:
        variables = {**forms, **mask_variables(masks, valid)}
        maps = dict(labelled.maps)
        labels = maps.pop(LABELS, None)
        if labels is None and not maps:
            labels = np.zeros(source.shape, np.uint8)
        maps[LABELS] = merged_labels(labels, maps)
        scene = assembled_scene(
            *(source.name, variables, names, maps, labelled.classes, source.crs, source.transform)
        )
        if labelled.groups is not None:
            scene = with_groups(scene, labelled.groups)
        if tiles is not None and source.tiled is not None:
            files = [place.path.name for place in source.images[source.tiled].tiles]
            scene = with_tiles(scene, tiles, files)
        elif labelled.tiles is not None:
            scene = with_tiles(scene, labelled.tiles.numbers, labelled.tiles.files)
        tell_missing(scene)
        check_labels(source.name, labelled.config, scene)
        return scene

    return StreamedDataset(forms, parts, rest)


def _check_ranges(source: FileWindows, ranges: Mapping[str, Sequence[float]]) -> None:
    """Refuses what is no image, which only all of it tells."""
    for name, (least, greatest) in ranges.items():
        about = f"scene '{source.name}', modality {name}"
        if least > greatest:
            raise SceneError(
                f"{about}: no pixel has data in all its bands; correct its nodata values, or leave "
                "bands without data out with `exclude`"
            )
        if least == greatest:
            raise SceneError(f"{about} is {least:g} everywhere; choose another variable or file")


def _form(source: FileWindows, name: str) -> xr.DataArray:
    told = source.modalities[name]
    attributes: dict[str, Any] = {"kind": told.kind, "units": told.units, "scale": told.scale}
    if name in source.own and (size := source.own[name].cell_size or 1) > 1:
        attributes["cell_size"] = size
    dims = ("y", "x", f"band_{name}")
    return hollow(dims, (*source.shape, told.bands), "float32", attributes)
