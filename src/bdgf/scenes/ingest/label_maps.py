"""Label maps: class ids of every file, and a comparison with the published counts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.classes import ClassTable
from bdgf.scenes.config import SceneConfig
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.label_values import (
    hidden_labels,
    ids_of_colours,
    ids_of_numbers,
    ids_of_regions,
    label_numbers,
    order_of_regions,
)
from bdgf.scenes.ingest.official_pixels import (
    chosen_labels,
    is_mask,
    listed_labels,
    masked_labels,
)
from bdgf.scenes.scene import LABELS, OFFICIAL_TEST, OFFICIAL_TRAIN
from bdgf.scenes.sources import LabelSource

log = logging.getLogger(__name__)

_MAX_ID = 255  # labels are uint8
_MEANING = {
    "published": "the files are another edition, whose results do not compare with published ones",
    "unverified": "either the files or these counts, copied from the literature, are wrong",
}


def label_maps(
    scene: str,
    found: Mapping[str, FoundArray[LabelSource]],
    config: SceneConfig,
    burned: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """(H, W) uint8 class ids of each map, 0 = unlabelled.

    Args:
        scene: The scene's name, for messages.
        found: "labels" first, then the official maps; axes (y, x, band) but for lists of pixels.
        config: The scene's configuration.
        burned: (H, W) class ids of those maps that are polygons or points, 1 where a mask chooses.

    Raises:
        SceneError: A map holds what is no class, or needs the map of all labels.
    """
    _check_two_maps(found)
    burned = burned or {}
    order = order_of_regions((f for i, f in found.items() if i not in burned), config)
    maps: dict[str, np.ndarray] = {}
    for item, array in found.items():
        labels = maps.get(LABELS)
        if array.source.form in ("mask", "pixels") and labels is None:
            raise SceneError(
                f"{scene}: {array.where} only chooses pixels of {item}: the map of all labels is "
                "needed beside it; put its file there"
            )
        if item in burned:
            maps[item] = burned[item]
            if array.source.form == "mask":
                assert labels is not None
                maps[item] = chosen_labels(array, burned[item] > 0, labels)
        elif array.source.form == "pixels":
            assert labels is not None
            maps[item] = listed_labels(array, labels, found[LABELS].where)
        else:
            maps[item] = _class_ids(array, config, order, labels)
    return maps


def _check_two_maps(found: Mapping[str, FoundArray[LabelSource]]) -> None:
    """Checks that the official maps are two: one file may hold both, by different numbers.

    Raises:
        SceneError: They are the same array, read in the same way.
    """
    if OFFICIAL_TRAIN in found and OFFICIAL_TEST in found:
        train, test = found[OFFICIAL_TRAIN], found[OFFICIAL_TEST]
        if train.paths == test.paths and train.source == test.source:
            raise SceneError(
                f"{train.scene}: official_train and official_test are both {train.where}; where it "
                "marks both by different numbers, say which: `form: mask` and `chosen: 1` for the "
                "one, `chosen: 2` for the other"
            )


def _class_ids(
    found: FoundArray[LabelSource],
    config: SceneConfig,
    order: Sequence[str] | None,
    labels: np.ndarray | None,
) -> np.ndarray:
    hidden = hidden_labels(found)
    if found.arrays[0].regions is not None:
        ids = ids_of_regions(found, config, order)
    elif (numbers := label_numbers(found)) is None:
        ids = ids_of_colours(found, config)
    else:
        numbers[hidden] = np.nan
        is_official = found.item != LABELS
        if is_official and is_mask(found, numbers, config, labels):
            assert labels is not None
            ids = masked_labels(found, numbers, config, labels)
        else:
            ids = ids_of_numbers(found, numbers, config)
    said = list(found.arrays[0].notes)
    if hidden.any():
        said.append(f"{100 * hidden.mean():.2g} % masked, hence unlabelled")
    if said:
        log.info("%s: %s: %s", found.scene, found.where, ", ".join(said))
    return np.where(hidden, 0, ids).astype(np.uint8)


def table_of(
    config: SceneConfig,
    maps: Mapping[str, np.ndarray],
    found: Iterable[FoundArray[LabelSource]] = (),
) -> ClassTable:
    """The scene's classes.

    Without configured ones they are the regions that the files name, or "class 1" to the greatest
    label in `maps`; without labels there are none.
    """
    names = [c.name for c in config.classes]
    if not names:
        names = list(order_of_regions(found, config) or ())
    if not names:
        greatest = max((int(ids.max()) for ids in maps.values()), default=0)
        names = [f"class {i}" for i in range(1, 1 + greatest)]
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
