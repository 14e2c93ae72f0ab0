"""Splits: which labelled pixels train, validate and test. A split is an artifact with its seed.

Nine splits, chosen by name: `official` (the scene's own maps), `per_class` (n pixels a class),
`fraction` (a share of each class), `spatial_blocks` (disjoint blocks with a buffer) and
`training_blocks` (the same among the official training pixels: what settings are chosen on, as no
official test pixel is looked at) and `outside_test` (all labels away from the official test pixels:
not a result, but how far many labels would lead), `polygons` (whole polygons, of labels that were
drawn as such), `tiles` (whole tiles, of scenes that are made of such) and `distance` (training
pixels at a chosen distance from the same test pixels: how much of an accuracy is nearness). The
first three follow the field's custom; no test patch of the others holds a training pixel, but for
`polygons` that lie side by side without a `buffer`, and for a `distance` below the patch radius.
"""

from __future__ import annotations

import logging

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.scenes.scene import GROUPS, LABELS, OFFICIAL_TRAIN, class_table, valid_mask
from bdgf.scenes.tiles import TILES
from bdgf.splits.draw_pixels import draw_pixels
from bdgf.splits.parts import NONE, PART_COLORS, PARTS, TEST, TRAIN, VALIDATION
from bdgf.splits.rules.distance import distance
from bdgf.splits.rules.fraction import fraction
from bdgf.splits.rules.official import official
from bdgf.splits.rules.outside_test import outside_test
from bdgf.splits.rules.per_class import per_class
from bdgf.splits.rules.polygons import polygons
from bdgf.splits.rules.rule import Rule
from bdgf.splits.rules.spatial_blocks import spatial_blocks
from bdgf.splits.rules.tiles import tiles
from bdgf.splits.rules.training_blocks import training_blocks
from bdgf.splits.settings import SplitName, SplitSettings
from bdgf.splits.tile_choice import carve_tiles
from bdgf.splits.validation_groups import carve_polygons, carve_validation

log = logging.getLogger(__name__)

SPLITS: dict[str, Rule] = {
    "official": official,
    "per_class": per_class,
    "fraction": fraction,
    "spatial_blocks": spatial_blocks,
    "training_blocks": training_blocks,
    "outside_test": outside_test,
    "polygons": polygons,
    "tiles": tiles,
    "distance": distance,
}
"""The rules by name."""


def make_split(
    scene: xr.Dataset, settings: SplitSettings, seed: int, patch_radius: int
) -> xr.DataArray:
    """Splits the labelled, valid pixels of a scene.

    Validation pixels are taken from the training pixels only (`carve_validation`), so that the
    test pixels are used once, after training ended.

    Args:
        scene: A scene or prepared scene.
        settings: The split's settings.
        seed: Seed of every draw; the same seed gives the same split.
        patch_radius: Radius of the classifier's patch in pixels; the least buffer.

    Returns:
        (y, x) uint8: 0 none, 1 train, 2 validation, 3 test; attrs `name` and `seed`, and for
        GIS programs what the values are and their colours.

    Raises:
        SceneError: The scene has no labels, fewer than two classes, or lacks official maps; a class
            has no training pixel, or none tests.
        SettingsError: The buffer is narrower than the patch radius.
    """
    labels = np.where(valid_mask(scene), scene[LABELS].to_numpy(), 0)
    if not labels.any():
        raise SceneError(
            f"the scene '{scene.attrs['scene']}' has no labelled pixel with data, and a split "
            "divides those; set `labels` in its file (docs/how_to/scenes.md)"
        )
    if (classes := class_table(scene)).count < 2:
        raise SceneError(
            f"the scene '{scene.attrs['scene']}' has one class, {classes.ids[0]} "
            f"({classes.names[0]}), and nothing to tell it from; label a second class, such as "
            "'other', and name it in the scene's file (docs/how_to/scenes.md)"
        )
    rng = np.random.default_rng([seed, 0])
    name = _resolve(settings.name, scene)
    train, test = SPLITS[name](scene, labels, settings, rng, patch_radius)
    if settings.samples_per_class is not None:
        train = _at_most(labels, train, settings.samples_per_class, rng)
    _check_parts(scene, labels, train, test, name)
    # A stream of its own: how many numbers the split drew does not move the validation pixels.
    trained, stream = np.where(train, labels, 0), np.random.default_rng([seed, 1])
    if name == "polygons":  # validation pixels lie in no polygon that trains, either
        groups = np.where(train, scene[GROUPS].to_numpy(), 0)
        validation = carve_polygons(trained, groups, settings.validation.fraction, stream)
    elif name == "tiles":
        validation = carve_tiles(
            trained, scene[TILES].to_numpy(), settings.validation.fraction, stream
        )
    else:
        validation = carve_validation(trained, settings.validation, stream)
    parts = np.zeros(labels.shape, np.uint8)
    parts[test], parts[train], parts[validation] = TEST, TRAIN, VALIDATION
    split = scene[LABELS].copy(data=parts)
    split.attrs.update(name=name, seed=seed, quantity="part of the split", nodata=NONE)
    split.attrs["classes"] = {code: part for part, code in PARTS.items()}
    split.attrs["colors"] = {code: PART_COLORS[part] for part, code in PARTS.items()}
    return split.rename("split")


def _resolve(name: SplitName, scene: xr.Dataset) -> str:
    if name != "auto":
        return name
    if OFFICIAL_TRAIN in scene:
        return "official"
    log.info("the scene has no official split: taking per_class (split.name chooses another)")
    return "per_class"


def _at_most(
    labels: np.ndarray, train: np.ndarray, most: int, rng: np.random.Generator
) -> np.ndarray:
    return draw_pixels(np.where(train, labels, 0), lambda pixels: min(most, pixels), rng)


def _check_parts(
    scene: xr.Dataset, labels: np.ndarray, train: np.ndarray, test: np.ndarray, name: str
) -> None:
    classes = class_table(scene)
    missing = sorted(set(classes.ids) - {int(i) for i in np.unique(labels[train])})
    if missing:
        listed = ", ".join(f"{i} ({classes.name(i)})" for i in missing)
        raise SceneError(
            f"no training pixels of class {listed} in the split '{name}'; label some, choose "
            "another split or other settings of it, or take the class out of the scene's list"
        )
    if not test.any():
        raise SceneError(
            f"the split '{name}' leaves no test pixels; train on fewer or choose another split"
        )
