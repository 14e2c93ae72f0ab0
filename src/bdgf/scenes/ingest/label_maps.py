"""Label maps: from the files' values to class ids, and their counts against the published ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.classes import ClassTable, listing
from bdgf.scenes.config import LabelSource, LandCoverClass, SceneConfig
from bdgf.scenes.ingest.grid import bands_last
from bdgf.scenes.ingest.source_files import FoundArray

log = logging.getLogger(__name__)

_MAX_ID = 255  # labels are uint8
_MEANING = {
    "published": "the files are another edition, whose results do not compare with published ones",
    "unverified": "either the files or these counts, copied from the literature, are wrong",
}


def label_map(
    found: FoundArray[LabelSource], config: SceneConfig, shape: tuple[int, int]
) -> np.ndarray:
    """(H, W) uint8 class ids of a map, 0 = unlabelled.

    Floating-point maps are accepted when their values are whole; NaN and the file's own nodata
    value are unlabelled.

    Raises:
        SceneError: The map has several bands, fractions, or values outside the class list.
    """
    values = bands_last(found, shape)
    if values.shape[2] != 1:
        raise SceneError(
            f"{found.about} has {values.shape[2]} bands, but labels have one; choose it with "
            "`channels:`"
        )
    if values.dtype.kind not in "biuf":
        raise SceneError(f"{found.about} holds complex values; choose another variable")
    values = values[..., 0].astype(np.float64)  # exact for all labels there can be
    unlabelled = [*config.unlabelled]
    if (nodata := found.arrays[0].nodata) is not None:
        unlabelled.append(nodata)
    known, places = np.unique(values, return_inverse=True)
    if fractions := [v for v in known if np.isfinite(v) and v != np.round(v)]:
        raise SceneError(
            f"{found.about} holds {listing(fractions)}, which are no labels; choose another "
            "variable"
        )
    ids = _ids_by_value(config.classes)
    mapped, counts = np.zeros(known.size, np.uint8), np.bincount(places.ravel())
    outside = {}
    for position, value in enumerate(known.tolist()):
        if value in ids:  # a class wins over the file's own nodata value
            mapped[position] = ids[value]
        elif value not in unlabelled and not np.isnan(value):
            if config.classes or not 1 <= value <= _MAX_ID:
                outside[value] = counts[position]
            mapped[position] = 0 if outside else int(value)
    if outside:
        raise _outside(found, outside, config)
    return mapped[places].reshape(shape)


def pixels_map(found: FoundArray[LabelSource], labels: np.ndarray, labels_from: str) -> np.ndarray:
    """(H, W) uint8: the `labels` (H, W) on the pixels that a list of (row, column) names.

    Raises:
        SceneError: The array is no such list, or names pixels outside the scene.
    """
    pixels = np.asarray(found.arrays[0].values)
    if pixels.ndim != 2 or pixels.shape[1] != 2:
        raise SceneError(
            f"{found.about} is {'x'.join(map(str, pixels.shape))}, not n x 2 rows and columns of "
            "pixels; choose another variable"
        )
    # Signed, so that unsigned indices cannot wrap around below the first one.
    rows, columns = pixels.astype(np.int64).T - found.source.first_index
    inside = (rows >= 0) & (rows < labels.shape[0]) & (columns >= 0) & (columns < labels.shape[1])
    if not inside.all():
        raise SceneError(
            f"{found.about}: {(~inside).sum()} of its pixels lie outside {labels_from} "
            f"({labels.shape[0]}x{labels.shape[1]}); check `first_index`"
        )
    chosen = np.zeros_like(labels)
    chosen[rows, columns] = labels[rows, columns]
    if bare := int((labels[rows, columns] == 0).sum()):
        log.warning("%s: %d of its pixels have no label", found.about, bare)
    return chosen


def table_of(config: SceneConfig, maps: Mapping[str, np.ndarray]) -> ClassTable:
    """The scene's classes; without configured ones "class 1" to the greatest label in `maps`."""
    names = [c.name for c in config.classes]
    if not names:
        names = [f"class {i}" for i in range(1, 1 + max(int(m.max()) for m in maps.values()))]
    colors = list(ClassTable.of(names).colors)
    for i, land_cover_class in enumerate(config.classes):
        colors[i] = land_cover_class.color or colors[i]
    return ClassTable.of(names, colors)


def warn_of_counts(scene: str, config: SceneConfig, maps: Mapping[str, np.ndarray]) -> None:
    """Warns, with both numbers, where a map's counts are not the configured ones.

    Args:
        scene: The scene's name.
        config: Its configuration.
        maps: "labelled", "train" and "test" (as far as there are such) -> (H, W) class ids.
    """
    for key, ids in maps.items():
        found = np.bincount(ids.ravel(), minlength=_MAX_ID + 1)
        expected = [(c, getattr(c, key)) for c in config.classes if getattr(c, key) is not None]
        differ = [(c.name, found[c.id], number) for c, number in expected if found[c.id] != number]
        if differ:
            numbers = ", ".join(f"{name} {here} ({there})" for name, here, there in differ)
            log.warning(
                "%s: %s pixels differ from the %s counts (in brackets): %s; %s",
                scene,
                key,
                config.counts,
                numbers,
                _MEANING[config.counts],
            )


def check_training_pixels(
    scene: str, classes: ClassTable, train: np.ndarray, valid: np.ndarray
) -> None:
    """Checks that every class has official training pixels with data.

    Args:
        scene: The scene's name, for messages.
        classes: The classes.
        train: (H, W) class ids of the official training map.
        valid: (H, W) bool, True where there is data.

    Raises:
        SceneError: A class has none.
    """
    counts = np.bincount(train[valid], minlength=classes.count + 1)
    if without := [classes.name(i) for i in classes.ids if not counts[i]]:
        raise SceneError(
            f"{scene}: class '{without[0]}' has no training pixel with data in official_train"
            + (f" (nor have {', '.join(without[1:])})" if without[1:] else "")
            + "; leave the class out of the class list or correct the map"
        )


def _ids_by_value(classes: Sequence[LandCoverClass]) -> dict[float, int]:
    return {value: c.id for c in classes for value in c.values or (float(c.id),)}


def _outside(
    found: FoundArray[LabelSource], outside: Mapping[float, int], config: SceneConfig
) -> SceneError:
    numbers = ", ".join(f"{value:g} ({n} pixels)" for value, n in list(outside.items())[:5])
    more = f" and {len(outside) - 5} other values" if len(outside) > 5 else ""
    known = (
        f"values {listing(_ids_by_value(config.classes), most=20)}" if config.classes else "none"
    )
    return SceneError(
        f"{found.about} holds {numbers}{more}, outside the class list ({known}; "
        f"unlabelled {listing(config.unlabelled)}); correct `classes` or `unlabelled`"
    )
