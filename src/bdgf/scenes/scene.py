"""Scene: the one type in which a land-cover scene travels, an `xarray.Dataset`.

A modality is a variable with dims `(y, x, band_<modality>)`; `valid`, `labels` and the optional
official maps have dims `(y, x)`. So has `groups` (int32), where labels are polygons or points: the
number of the one that a labelled pixel belongs to, from 1; 0 in none; and `tiles`, where an image
is made of tiles (`bdgf.scenes.tiles`). A modality measured in larger cells repeats each value on
all pixels of its cell, and has the attribute `cell_size`, the cell's side in pixels. A modality
that is missing on valid pixels has a mask too, see `bdgf.scenes.masks`. A prepared
scene is the same with modalities `(band_<m>, y, x)`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.raster.georeferencing import georeference, with_georeference
from bdgf.scenes.classes import ClassTable, check_ids, listing
from bdgf.scenes.mask_variables import VALID, joint_masks, mask_name, mask_variables
from bdgf.scenes.tiles import TILES

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS

__all__ = [
    "GROUPS",
    "LABELS",
    "OFFICIAL_TEST",
    "OFFICIAL_TRAIN",
    "VALID",
    "ClassTable",
    "ModalityArray",
    "assembled_scene",
    "attributes_of",
    "carried_over",
    "check_scene",
    "class_table",
    "georeference",
    "merged_labels",
    "modality_names",
    "new_scene",
    "spectral_names",
    "valid_mask",
    "with_groups",
]

log = logging.getLogger(__name__)

LABELS = "labels"
OFFICIAL_TRAIN = "official_train"
OFFICIAL_TEST = "official_test"
GROUPS = "groups"
_RESERVED = {VALID, LABELS, GROUPS, TILES, OFFICIAL_TRAIN, OFFICIAL_TEST, "spatial_ref", "x", "y"}


@dataclass(frozen=True)
class ModalityArray:
    """One modality as read, before it becomes a variable of a scene.

    Attributes:
        values: (H, W, bands), any real dtype; NaN or infinite where there is no data.
        kind: "spectral" for a hyper- or multispectral image, "auxiliary" for the rest.
        units: Units of the values, may be "".
        scale: "log" for intensities that preparation takes to dB, else "linear".
        has_data: (H, W) bool, where all its bands have data, by who read it and knows its nodata
            values; None where every finite pixel has.
        cell_size: Side of one cell as measured, in pixels: its value is that of all its pixels.
        numbers: Number of each band in the files, counted from 0 over all of them; None without
            files.
    """

    values: np.ndarray
    kind: Literal["spectral", "auxiliary"]
    units: str = ""
    scale: Literal["linear", "log"] = "linear"
    has_data: np.ndarray | None = None
    cell_size: int = 1
    numbers: tuple[int, ...] | None = None


def new_scene(
    name: str,
    modalities: Mapping[str, ModalityArray],
    labels: np.ndarray | None,
    classes: ClassTable,
    valid: np.ndarray | None = None,
    official_train: np.ndarray | None = None,
    official_test: np.ndarray | None = None,
    crs: CRS | str | None = None,
    transform: Affine | None = None,
    require: Literal["any", "all"] = "any",
) -> xr.Dataset:
    """Builds and checks a scene.

    A modality has no data where any of its bands is not finite, and is 0 there. The spectral
    modalities come first. Labels on invalid pixels are kept (they count against the published
    numbers) but no split uses them.

    Args:
        name: The scene's name.
        modalities: (H, W, bands) arrays by modality name.
        labels: (H, W) integers, 0 = unlabelled; None takes the union of the official maps, which
            also win where they disagree with `labels` (with a warning), or labels nothing.
        classes: The class table.
        valid: (H, W), non-zero where the source has data; None leaves it to the modalities.
        official_train: (H, W) label map of the official training pixels.
        official_test: (H, W) label map of the official test pixels.
        crs: Coordinate reference system, if the source has one.
        transform: Affine map from (column, row) to coordinates, if the source has one.
        require: Whether a pixel is valid where any modality has data, or all have.

    Returns:
        The scene (module docstring).

    Raises:
        SceneError: The arrays do not fit together (`check_scene`).
    """
    if not modalities:
        raise SceneError("the scene has no modality; configure one at least")
    modalities = dict(sorted(modalities.items(), key=lambda item: item[1].kind != "spectral"))
    for modality in modalities:
        _check_modality_name(modality)
    arrays = {m: _as_bands(m, array.values) for m, array in modalities.items()}
    official = {OFFICIAL_TRAIN: official_train, OFFICIAL_TEST: official_test}
    maps = {key: np.asarray(value) for key, value in official.items() if value is not None}
    if labels is None and not maps:
        labels = np.zeros(next(iter(arrays.values())).shape[:2], np.uint8)
    maps[LABELS] = merged_labels(labels, maps)
    shape = _common_shape({**arrays, **maps, **({} if valid is None else {VALID: valid})})
    given = np.ones(shape, bool) if valid is None else np.asarray(valid) != 0
    masks = {}
    for modality, values in arrays.items():
        known = modalities[modality].has_data
        masks[modality] = given & (_finite_pixels(modality, values) if known is None else known)
    mask, masks = joint_masks(masks, require)
    for modality, values in arrays.items():
        values[~masks[modality]] = 0.0
    variables: dict[str, Any] = {
        m: (("y", "x", f"band_{m}"), arrays[m], attributes_of(modalities[m])) for m in modalities
    }
    variables |= mask_variables(masks, mask)
    return assembled_scene(name, variables, list(modalities), maps, classes, crs, transform)


def assembled_scene(
    name: str,
    variables: Mapping[str, Any],
    modalities: Sequence[str],
    maps: Mapping[str, np.ndarray],
    classes: ClassTable,
    crs: CRS | str | None,
    transform: Affine | None,
) -> xr.Dataset:
    """Assembles the variables of a scene and checks the result.

    Args:
        name: The scene's name.
        variables: The modalities and the masks, as variables.
        modalities: Names of the modalities, in order.
        maps: (H, W) label maps by variable.
        classes: The class table.
        crs: Coordinate reference system, if the source has one.
        transform: Affine map from (column, row) to coordinates, if the source has one.

    Raises:
        SceneError: They are no scene (`check_scene`).
    """
    labelled = {
        key: (("y", "x"), _as_label_map(key, value, classes)) for key, value in maps.items()
    }
    table = [
        {"id": i, "name": n, "color": c}
        for i, n, c in zip(classes.ids, classes.names, classes.colors, strict=True)
    ]
    attributes = {
        "scene": name,
        "modalities": json.dumps(list(modalities)),
        "classes": json.dumps(table),
    }
    scene = xr.Dataset({**variables, **labelled}, attrs=attributes)
    scene = with_georeference(scene, crs, transform)
    check_scene(scene)
    return scene


def modality_names(scene: xr.Dataset) -> list[str]:
    """The names of the modalities in order, the spectral ones first.

    Raises:
        SceneError: The dataset is no scene.
    """
    try:
        return [str(name) for name in json.loads(scene.attrs["modalities"])]
    except (KeyError, TypeError, ValueError) as error:
        raise SceneError(
            "the dataset is not a scene: its attribute 'modalities' is missing or damaged; "
            "make it with `kedro run --pipeline=ingest`"
        ) from error


def spectral_names(scene: xr.Dataset) -> list[str]:
    """The names of the spectral modalities, in order."""
    return [name for name in modality_names(scene) if scene[name].attrs["kind"] == "spectral"]


def class_table(scene: xr.Dataset) -> ClassTable:
    """The scene's classes.

    Raises:
        SceneError: The dataset has no class list, or one that cannot be.
    """
    try:
        rows = json.loads(scene.attrs["classes"])
        ids, names, colors = ([row[key] for row in rows] for key in ("id", "name", "color"))
    except (KeyError, TypeError, ValueError) as error:
        raise SceneError(
            "the dataset is not a scene: its attribute 'classes' is missing or damaged; "
            "make it with `kedro run --pipeline=ingest`"
        ) from error
    return ClassTable(tuple(int(i) for i in ids), tuple(map(str, names)), tuple(map(str, colors)))


def valid_mask(scene: xr.Dataset) -> np.ndarray:
    """(H, W) bool: True where any modality has data, or all where the scene requires all."""
    return scene[VALID].to_numpy() != 0


def with_groups(scene: xr.Dataset, groups: np.ndarray) -> xr.Dataset:
    """The scene with the polygon or point that each labelled pixel belongs to.

    Args:
        scene: The scene.
        groups: (H, W) int32, from 1; 0 in none.
    """
    labels = scene[LABELS]
    return scene.assign(
        {GROUPS: labels.copy(data=np.where(labels != 0, groups, 0).astype(np.int32))}
    )


def carried_over(scene: xr.Dataset) -> xr.Dataset:
    """The scene without its modalities: masks, maps, georeference and attributes."""
    return scene.drop_vars(modality_names(scene))


def check_scene(scene: xr.Dataset) -> None:
    """Checks all that users of a scene rely on.

    Raises:
        SceneError: One line with what is wrong, in which variable, and what to do.
    """
    names, classes = modality_names(scene), class_table(scene)
    missing = [name for name in (*names, VALID, LABELS) if name not in scene]
    if missing:
        raise SceneError(f"the scene has no variable {', '.join(missing)}; ingest it again")
    for name in names:
        dims = (f"band_{name}", "x", "y")
        if tuple(sorted(map(str, scene[name].dims))) != dims:
            raise SceneError(f"modality {name} has dims {scene[name].dims}, not {dims}")
    if not valid_mask(scene).any():
        raise SceneError(
            "no pixel has data in any modality, or in all with `require: all`; check the nodata "
            "values"
        )
    for key in (LABELS, OFFICIAL_TRAIN, OFFICIAL_TEST):
        if key in scene:
            check_ids(key, scene[key].to_numpy(), classes)


def _check_modality_name(name: str) -> None:
    if not name.isidentifier() or name in _RESERVED or name.startswith(mask_name("")):
        raise SceneError(
            f"{name!r} cannot name a modality; use letters, digits and underscores, and none of "
            f"{', '.join(sorted(_RESERVED))} and {mask_name('...')}"
        )


def attributes_of(array: ModalityArray) -> dict[str, Any]:
    """The attributes of a modality's variable."""
    attributes = {"kind": array.kind, "units": array.units, "scale": array.scale}
    return attributes | ({"cell_size": array.cell_size} if array.cell_size > 1 else {})


def _as_bands(name: str, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or 0 in values.shape:
        raise SceneError(
            f"modality {name} has the shape {values.shape}, not (rows, columns, bands); "
            "check its variable and axes"
        )
    with np.errstate(over="ignore"):  # beyond float32 is infinite, hence no data
        return values.astype(np.float32)


def _common_shape(arrays: Mapping[str, np.ndarray]) -> tuple[int, int]:
    shapes = {name: np.shape(values)[:2] for name, values in arrays.items()}
    (first, shape), *others = shapes.items()
    for name, other in others:
        if other != shape:
            raise SceneError(
                f"{first} is {shape[0]}x{shape[1]} pixels but {name} is "
                f"{'x'.join(map(str, other))}; give both on one grid"
            )
    return shape[0], shape[1]


def _finite_pixels(name: str, values: np.ndarray) -> np.ndarray:
    finite = np.empty(values.shape[:2], bool)
    band_has_data = np.zeros(values.shape[2], bool)
    for row, line in enumerate(np.isfinite(values_row) for values_row in values):
        finite[row] = line.all(axis=-1)
        band_has_data |= line.any(axis=0)
    if not band_has_data.all():
        bands = listing(np.flatnonzero(~band_has_data))
        raise SceneError(
            f"modality {name}: band {bands} (counted from 0) has no finite value; leave it out or "
            "correct the file"
        )
    return finite


def merged_labels(labels: np.ndarray | None, maps: Mapping[str, np.ndarray]) -> np.ndarray:
    """(H, W) labels, in which the official maps win where they differ, with a warning."""
    _common_shape({**maps, **({} if labels is None else {LABELS: labels})})
    merged = np.zeros_like(next(iter(maps.values()))) if labels is None else np.array(labels)
    for key, official in maps.items():
        differ = (official != 0) & (official != merged)
        if labels is not None and differ.any():
            log.warning("%s and labels differ on %d pixels; %s wins", key, differ.sum(), key)
        merged[differ] = official[differ]
    return merged


def _as_label_map(key: str, values: np.ndarray, classes: ClassTable) -> np.ndarray:
    check_ids(key, values, classes)
    return values.astype(np.uint8)
