"""Raw files to a Scene: finds them, puts them on one grid, and checks all that can be wrong."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pydantic import Field

from bdgf.core.errors import SceneError
from bdgf.core.settings import Settings
from bdgf.scenes.classes import listing
from bdgf.scenes.config import (
    LabelMap,
    LabelSource,
    Modality,
    SceneConfig,
    Source,
    parse_scene_config,
)
from bdgf.scenes.ingest.grid import bands_last, common_georeference, common_shape
from bdgf.scenes.ingest.label_maps import (
    check_training_pixels,
    label_map,
    pixels_map,
    table_of,
    warn_of_counts,
)
from bdgf.scenes.ingest.source_files import FoundArray, SceneFolders
from bdgf.scenes.scene import ModalityArray, class_table, new_scene, valid_mask
from bdgf.scenes.synthetic.scene import make_demo_scene

log = logging.getLogger(__name__)

_LABELS, _TRAIN, _TEST = "labels", "official_train", "official_test"


class IngestSettings(Settings):
    """Where raw files are looked for."""

    folders: tuple[str, ...] = Field(
        min_length=1,
        description="Searched in turn for `<folder>/<scene>`; BDGF_DATA is an environment "
        "variable, ../shared/data where it is not set.",
    )


def ingest(name: str, configuration: Mapping[str, Any], settings: IngestSettings) -> xr.Dataset:
    """Reads a scene as it is configured.

    Args:
        name: The scene's name.
        configuration: What its YAML file holds below the name.
        settings: Where its files are looked for.

    Returns:
        The scene (`bdgf.scenes.scene`).

    Raises:
        SettingsError: The configuration is wrong.
        SceneError: The files are; one line with what is wrong, in which file, and what to do.
    """
    config = parse_scene_config(name, configuration)
    folders = [Path(folder) / (config.folder or name) for folder in settings.folders]
    return read_scene(name, config, folders)


def read_scene(name: str, config: SceneConfig, folders: Sequence[Path]) -> xr.Dataset:
    """Reads, checks and aligns the raw files of one scene.

    Args:
        name: The scene's name.
        config: What its files are and what is in them.
        folders: Where the files are looked for, in order.

    Returns:
        The scene (`bdgf.scenes.scene`).

    Raises:
        SceneError: One line with what is wrong, in which file, and what to do.
    """
    if config.fabricate is not None:
        return make_demo_scene(config.fabricate).assign_attrs(scene=name)
    place = SceneFolders(name, folders, config.source)
    images = _find_images(place, config)
    maps = _find_maps(place, config)
    arrays: list[FoundArray[Any]] = [
        *images.values(),
        *(found for found in maps.values() if found.source.form == "map"),
    ]
    taken = ", ".join(f"{found.item} from {found.where}" for found in (images | maps).values())
    log.info("%s: %s", name, taken)
    shape = common_shape(name, arrays, config.shape)
    if config.shape not in (None, shape):
        log.warning("%s: %s pixels, but published with %s", name, _size(shape), _size(config.shape))
    crs, transform = common_georeference(name, arrays, shape, config.grid_tolerance)
    labels = _label_maps(name, maps, config, shape)
    del arrays
    modalities = {  # popped, so that each raw array is freed once converted
        name: _image(images.pop(name), config.modalities[name], shape) for name in list(images)
    }
    classes = table_of(config, labels)
    scene = new_scene(
        name,
        modalities,
        labels.get(_LABELS),
        classes,
        official_train=labels.get(_TRAIN),
        official_test=labels.get(_TEST),
        crs=crs,
        transform=transform,
    )
    _check_labels(name, config, scene)
    return scene


def _find_images(place: SceneFolders, config: SceneConfig) -> dict[str, FoundArray[Source]]:
    images = {}
    for name, modality in config.modalities.items():
        found = place.read(f"modality '{name}'", modality.sources, modality.optional)
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


def _find_maps(place: SceneFolders, config: SceneConfig) -> dict[str, FoundArray[LabelSource]]:
    configured: dict[str, LabelMap | None] = {
        _LABELS: config.labels,
        _TRAIN: config.official_train,
        _TEST: config.official_test,
    }
    maps = {}
    for item, sources in configured.items():
        if sources is None:
            continue
        found = place.read(item, sources.sources, sources.optional)
        if found is not None:
            maps[item] = found
    if (_TRAIN in maps) != (_TEST in maps):
        there = maps.pop(_TRAIN, None) or maps.pop(_TEST)
        log.warning(
            "%s: %s is there without its counterpart: no official split", place.scene, there.where
        )
    elif config.official_train is not None and _TRAIN not in maps:
        log.warning("%s: its official split is not there; choose another split", place.scene)
    if not maps and config.labels is not None:
        place.read(_LABELS, config.labels.sources, optional=False)  # says what is missing
    return maps


def _label_maps(
    scene: str,
    found: Mapping[str, FoundArray[LabelSource]],
    config: SceneConfig,
    shape: tuple[int, int],
) -> dict[str, np.ndarray]:
    """(H, W) uint8 class ids of each map."""
    maps: dict[str, np.ndarray] = {}
    for item, array in found.items():  # the labels come first
        if array.source.form == "map":
            maps[item] = label_map(array, config, shape)
        elif _LABELS in maps:
            maps[item] = pixels_map(array, maps[_LABELS], found[_LABELS].where)
        else:
            raise SceneError(
                f"{scene}: {array.where} only lists pixels of {item}: the map of all labels is "
                "needed beside it; put its file there"
            )
    return maps


def _image(found: FoundArray[Source], modality: Modality, shape: tuple[int, int]) -> ModalityArray:
    """The modality as (H, W, bands) float32, with where all its bands have data."""
    values = bands_last(found, shape)
    if modality.bands is not None and values.shape[2] not in modality.bands:
        expected = " or ".join(map(str, modality.bands))
        raise SceneError(
            f"{found.about} has {values.shape[2]} bands, expected {expected}; choose another "
            "variable or correct `bands`"
        )
    if values.dtype.kind not in "biuf":
        raise SceneError(f"{found.about} holds complex values; give amplitudes or intensities")
    nodata = found.arrays[0].nodata if modality.nodata is None else modality.nodata
    with np.errstate(over="ignore"):  # beyond float32 is infinite, hence no data
        values = np.ascontiguousarray(values, dtype=np.float32)
    has_data = _where_data(found.about, values, nodata)
    return ModalityArray(values, modality.kind, modality.units, modality.scale, has_data)


def _where_data(about: str, values: np.ndarray, nodata: float | None) -> np.ndarray:
    """(H, W) bool: where every band is finite and not `nodata`.

    Raises:
        SceneError: A band has no data at all, or the whole modality is constant.
    """
    everywhere = np.empty(values.shape[:2], bool)
    in_band = np.zeros(values.shape[2], bool)
    finite_pixels, least, greatest = 0, np.inf, -np.inf
    for row, line in enumerate(values):  # row by row, for memory's sake
        finite = np.isfinite(line)
        finite_pixels += int(finite.all(axis=1).sum())
        data = finite if nodata is None else finite & (line != np.float32(nodata))
        everywhere[row], in_band = data.all(axis=1), in_band | data.any(axis=0)
        least = min(least, line.min(where=data, initial=np.inf))
        greatest = max(greatest, line.max(where=data, initial=-np.inf))
    if not in_band.all():
        empty = listing(np.flatnonzero(~in_band) + 1)
        raise SceneError(
            f"{about}: band {empty} (counted from 1) holds nothing but NaN, infinite or nodata "
            "values; leave it out with `channels:` or correct the file"
        )
    if least == greatest:
        raise SceneError(f"{about} is {least:g} everywhere; choose another variable or file")
    if nodata is None and (broken := everywhere.size - finite_pixels):
        log.warning("%s: %d pixels with NaN or infinite values count as nodata", about, broken)
    return everywhere


def _check_labels(name: str, config: SceneConfig, scene: xr.Dataset) -> None:
    """Counts against the published ones, labels without data, and the official split."""
    maps = {key: scene[key].to_numpy() for key in (_LABELS, _TRAIN, _TEST) if key in scene}
    published = {_LABELS: "labelled", _TRAIN: "train", _TEST: "test"}
    warn_of_counts(name, config, {published[key]: ids for key, ids in maps.items()})
    valid = valid_mask(scene)
    if lost := int(((maps[_LABELS] > 0) & ~valid).sum()):
        log.warning("%s: %d labelled pixels have no data and are not used", name, lost)
    if _TRAIN in maps:
        if shared := int(((maps[_TRAIN] > 0) & (maps[_TEST] > 0)).sum()):
            log.warning("%s: %d pixels are both official_train and official_test", name, shared)
        check_training_pixels(name, class_table(scene), maps[_TRAIN], valid)


def _size(shape: tuple[int, int] | None) -> str:
    return "x".join(map(str, shape or ()))
