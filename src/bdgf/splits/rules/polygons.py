"""Whole polygons train or test: no polygon is seen by both."""

from __future__ import annotations

import logging

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.scenes.scene import GROUPS, class_table
from bdgf.splits.block_folds import near
from bdgf.splits.rules.rule import Masks
from bdgf.splits.settings import SplitSettings

log = logging.getLogger(__name__)


def polygons(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> Masks:
    """A share of the polygons of each class trains, at least one; the rest tests, at least one.

    Points count as polygons. Those that touch may lie in both parts: `leakage` tells. Where the
    settings have a buffer, nothing trains that close to test pixels.

    Raises:
        SceneError: The scene's labels are no polygons, or a class has a single one.
        SettingsError: The buffer is narrower than the patch radius.
    """
    buffer = 0 if settings.buffer is None else settings.buffer_for(patch_radius)
    groups = labelled_groups(scene, labels)
    classes = class_of_groups(groups, labels)
    train: list[int] = []
    single: list[str] = []
    for class_id in np.unique(labels[labels != 0]).tolist():
        members = np.flatnonzero(classes == class_id)
        if len(members) < 2:
            single.append(class_table(scene).name(class_id))
            continue
        count = min(max(1, round(settings.train_share * len(members))), len(members) - 1)
        train += rng.permutation(members)[:count].tolist()
    if single:
        raise SceneError(
            f"the split 'polygons' needs two polygons of each class with data, but "
            f"{', '.join(single)} has fewer; draw another one, cut one in two, take the "
            "class out of the scene's list, or choose another split "
            "(split.name=spatial_blocks)"
        )
    in_train = np.isin(groups, train) & (groups > 0)
    test = (groups > 0) & ~in_train
    return in_train & ~near(test, buffer), test


def labelled_groups(scene: xr.Dataset, labels: np.ndarray) -> np.ndarray:
    """(H, W) int32: the polygon of each pixel with a label, 0 elsewhere; warns of labels without.

    Raises:
        SceneError: The scene's labels are no polygons or points.
    """
    if GROUPS not in scene:
        raise SceneError(
            "the split 'polygons' holds out whole polygons, but the scene's labels are a raster; "
            "give them as polygons (docs/how_to/scenes.md), or choose another split, such as "
            "split.name=spatial_blocks"
        )
    groups: np.ndarray = np.where(labels != 0, scene[GROUPS].to_numpy(), 0)
    if bare := int(((labels != 0) & (groups == 0)).sum()):
        log.warning("%d labelled pixels lie in no polygon: no part of the split has them", bare)
    return groups


def class_of_groups(groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) ints: the class of each group 0, 1, ..., 0 of those without pixels.

    Where a map of another kind changed the class of some of a group's pixels, the most frequent one
    counts.
    """
    pairs, pixels = np.unique(
        np.stack([groups[groups > 0], labels[groups > 0]], axis=1), axis=0, return_counts=True
    )
    classes = np.zeros(int(groups.max(initial=0)) + 1, np.int64)
    for group, class_id in pairs[np.argsort(pixels, kind="stable")].tolist():
        classes[group] = class_id
    return classes
