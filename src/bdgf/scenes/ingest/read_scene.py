"""Raw files to a Scene: finds them, puts them on one grid, and checks them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from pydantic import Field

from bdgf.scenes.config import LabelMap, Modality, SceneConfig, parse_scene_config
from bdgf.scenes.ingest.decoding import decode_image
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.ingest.label_maps import (
    check_training_pixels,
    label_maps,
    table_of,
    warn_of_counts,
)
from bdgf.scenes.ingest.layer_grids import OwnGrid, layer_settings, settle_layers
from bdgf.scenes.ingest.layer_placement import image_on_grid, labels_on_grid
from bdgf.scenes.ingest.official_pixels import refuse_unsaid_list
from bdgf.scenes.ingest.reading_record import ReadingRecord
from bdgf.scenes.ingest.source_files import SceneFolders
from bdgf.scenes.ingest.tile_numbers import tile_numbers
from bdgf.scenes.ingest.vector_labels import Grid, vector_labels
from bdgf.scenes.masks import tell_missing
from bdgf.scenes.readers.reading_limits import ReadingSettings
from bdgf.scenes.scene import (
    LABELS,
    OFFICIAL_TEST,
    OFFICIAL_TRAIN,
    ModalityArray,
    class_table,
    new_scene,
    valid_mask,
    with_groups,
)
from bdgf.scenes.scene_folders import scene_folders
from bdgf.scenes.sources import ImageSource, LabelSource
from bdgf.scenes.synthetic.scene import make_demo_scene
from bdgf.scenes.tiles import with_tiles

log = logging.getLogger(__name__)


class IngestSettings(ReadingSettings):
    """Folders of raw files, and limits for reading them."""

    folders: tuple[str, ...] = Field(
        min_length=1,
        description="Folders that are searched in this order for `<folder>/<scene>`; "
        "BDGF_DATA is an environment variable with the default ../shared/data; an address "
        "such as s3://bucket/scenes is one too (docs/how_to/storage.md)",
    )
    mirror: str = Field(
        "data/01_raw/.mirror",
        description="Local folder for copies of files that an address in `folders` holds.",
    )
    resident_gib: float = Field(
        1.0,
        ge=0,
        description="A scene up to this size in GiB is read into memory; a larger one is "
        "read from its files some rows at a time, if the format allows it",
    )


def ingest(
    name: str,
    configuration: Mapping[str, Any],
    settings: IngestSettings,
    record: ReadingRecord | None = None,
) -> xr.Dataset:
    """Reads a scene as it is configured.

    Args:
        name: The scene's name.
        configuration: What its YAML file holds below the name.
        settings: Where its files are looked for.
        record: Takes what reading shows beside the scene.

    Returns:
        The scene (`bdgf.scenes.scene`).

    Raises:
        SettingsError: The configuration is wrong.
        SceneError: The files are; one line with what is wrong, in which file, and what to do.
    """
    config = parse_scene_config(name, configuration)
    folders = scene_folders(name, config, settings.folders, settings.mirror)
    return read_scene(name, config, folders, settings, record)


def read_scene(
    name: str,
    config: SceneConfig,
    folders: Sequence[Path],
    reading: ReadingSettings | None = None,
    record: ReadingRecord | None = None,
) -> xr.Dataset:
    """Reads, checks and aligns the raw files of one scene.

    Args:
        name: The scene's name.
        config: What its files are and what is in them.
        folders: Where the files are looked for, in order.
        reading: How carefully they are read; None takes the defaults.
        record: Takes what reading shows beside the scene.

    Returns:
        The scene (`bdgf.scenes.scene`).

    Raises:
        SceneError: One line with what is wrong, in which file, and what to do.
    """
    if config.fabricate is not None:
        return make_demo_scene(config.fabricate).assign_attrs(scene=name)
    place = SceneFolders(
        name,
        folders,
        config.source,
        reading or ReadingSettings(),
        grid_tolerance=config.grid_tolerance,
    )
    images = find_images(place, config)
    maps = find_maps(place, config)
    taken = ", ".join(f"{found.item} from {found.where}" for found in (images | maps).values())
    log.info("%s: %s", name, taken)
    record = record or ReadingRecord()
    record.take_files(images | maps)
    vectors = {item: found for item, found in maps.items() if found.vectors is not None}
    for item, found in maps.items():
        if item != LABELS and item not in vectors:
            refuse_unsaid_list(found)
    arrays: dict[str, FoundArray[Any]] = {
        **{f"modality {name}": found for name, found in images.items()},
        **{
            item: found
            for item, found in maps.items()
            if found.source.form != "pixels" and item not in vectors
        },
    }
    settled = settle_layers(name, arrays, layer_settings(config), config)
    grid, arrays = settled.grid, settled.layers
    if config.shape not in (None, grid.shape):
        shapes = _size(grid.shape), _size(config.shape)
        log.warning("%s: %s pixels, but published with %s", name, *shapes)
    for item in maps.keys() & settled.own.keys():
        arrays[item] = labels_on_grid(arrays[item], settled.own[item], grid)
    maps = {item: arrays.get(item, found) for item, found in maps.items()}
    tiles = tile_numbers(settled, config.grid)
    burned = vector_labels(vectors, config, Grid(grid.crs, grid.transform, grid.shape))
    config = burned.config
    labels = label_maps(name, maps, config, burned.maps)
    keys = {modality: f"modality {modality}" for modality in images}
    images.clear()
    modalities = {  # popped, so that each raw array is freed once converted
        modality: _on_grid(arrays.pop(key), config.modalities[modality], settled.own.get(key), grid)
        for modality, key in keys.items()
    }
    record.take_modalities(modalities)
    rasters = [found for item, found in maps.items() if item not in vectors]
    classes = table_of(config, labels, rasters)
    scene = new_scene(
        name,
        modalities,
        labels.get(LABELS),
        classes,
        official_train=labels.get(OFFICIAL_TRAIN),
        official_test=labels.get(OFFICIAL_TEST),
        crs=grid.crs,
        transform=grid.transform,
        require=config.require,
    )
    if burned.groups is not None:
        scene = with_groups(scene, burned.groups)
    if tiles is not None:
        scene = with_tiles(scene, tiles.numbers, tiles.files)
    tell_missing(scene)
    check_labels(name, config, scene)
    return scene


def _on_grid(
    found: FoundArray[ImageSource], modality: Modality, own: OwnGrid | None, grid: PixelGrid
) -> ModalityArray:
    """A modality in its units on the scene's grid."""
    if own is None:
        return decode_image(found, modality, grid.shape)
    return image_on_grid(decode_image(found, modality, own.grid.shape), own, grid, found)


def find_images(place: SceneFolders, config: SceneConfig) -> dict[str, FoundArray[ImageSource]]:
    """The files of each modality; a warning where an optional one is missing."""
    images = {}
    for name, modality in config.modalities.items():
        found = place.read(
            f"modality '{name}'", modality.sources, modality.optional, modality.nodata
        )
        if found is None:
            log.warning(
                "%s: without the optional modality '%s': none of its files (%s) is there",
                place.scene,
                name,
                ", ".join(source.describe() for source in modality.sources),
            )
        else:
            images[name] = found
    return images


def find_maps(place: SceneFolders, config: SceneConfig) -> dict[str, FoundArray[LabelSource]]:
    """The files of the labels and the official maps that are there."""
    configured: dict[str, LabelMap | None] = {
        LABELS: config.labels,
        OFFICIAL_TRAIN: config.official_train,
        OFFICIAL_TEST: config.official_test,
    }
    maps = {}
    for item, sources in configured.items():
        if sources is None:
            continue
        found = place.read(item, sources.sources, sources.optional)
        if found is not None:
            maps[item] = found
    if (OFFICIAL_TRAIN in maps) != (OFFICIAL_TEST in maps):
        there = maps.pop(OFFICIAL_TRAIN, None) or maps.pop(OFFICIAL_TEST)
        log.warning(
            "%s: %s is there without its counterpart: no official split", place.scene, there.where
        )
    elif config.official_train is not None and OFFICIAL_TRAIN not in maps:
        log.warning("%s: its official split is not there; choose another split", place.scene)
    if not maps:
        for item, sources in configured.items():
            if sources is not None:
                place.read(item, sources.sources, optional=False)  # says what is missing
        log.info(
            "%s: no `labels` are configured: it can be pretrained on and mapped, not trained on",
            place.scene,
        )
    return maps


def check_labels(name: str, config: SceneConfig, scene: xr.Dataset) -> None:
    """Counts against the published ones, labels without data, and the official split."""
    maps = {
        key: scene[key].to_numpy()
        for key in (LABELS, OFFICIAL_TRAIN, OFFICIAL_TEST)
        if key in scene
    }
    published = {LABELS: "labelled", OFFICIAL_TRAIN: "train", OFFICIAL_TEST: "test"}
    warn_of_counts(name, config, {published[key]: ids for key, ids in maps.items()})
    valid = valid_mask(scene)
    if lost := int(((maps[LABELS] > 0) & ~valid).sum()):
        log.warning("%s: %d labelled pixels have no data and are not used", name, lost)
    if OFFICIAL_TRAIN in maps:
        if shared := int(((maps[OFFICIAL_TRAIN] > 0) & (maps[OFFICIAL_TEST] > 0)).sum()):
            log.warning("%s: %d pixels are both official_train and official_test", name, shared)
        check_training_pixels(name, class_table(scene), maps[OFFICIAL_TRAIN], valid)


def _size(shape: tuple[int, int] | None) -> str:
    return "x".join(map(str, shape or ()))
