"""Splits: which labelled pixels train, validate and test. A split is an artifact with its seed.

Six splits, chosen by name: `official` (the scene's own maps), `per_class` (n pixels a class),
`fraction` (a share of each class), `spatial_blocks` (disjoint blocks with a buffer) and
`training_blocks` (the same among the official training pixels: what settings are chosen on, as no
official test pixel is looked at) and `outside_test` (all labels away from the official test pixels:
not a result, but how far many labels would lead). The first three follow the field's custom; no
test patch of the others holds a training pixel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field

from bdgf.core.errors import SceneError, SettingsError
from bdgf.core.settings import MAIN, Settings
from bdgf.scenes.scene import LABELS, OFFICIAL_TEST, OFFICIAL_TRAIN, class_table, valid_mask
from bdgf.splits.block_folds import block_folds, near
from bdgf.splits.validation_groups import ValidationSettings, carve_validation, grid_blocks

log = logging.getLogger(__name__)

NONE, TRAIN, VALIDATION, TEST = 0, 1, 2, 3
PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}

SplitName = Literal[
    "auto",
    "official",
    "per_class",
    "fraction",
    "spatial_blocks",
    "training_blocks",
    "outside_test",
]


class SplitSettings(Settings):
    """Settings of the split; the names and sizes are chosen here."""

    name: SplitName = Field(
        "auto",
        description="How training and test pixels are chosen; `auto`: `official` where the scene "
        "has official maps, else `per_class`.",
        json_schema_extra=MAIN,
    )
    per_class: int = Field(
        20,
        ge=1,
        description="`per_class`: training pixels of each class, at most half of it.",
        json_schema_extra=MAIN,
    )
    fraction: float = Field(
        0.05, gt=0, lt=1, description="`fraction`: share of each class that trains."
    )
    block: int = Field(
        24, ge=2, description="`spatial_blocks`, `training_blocks`: side of a block in pixels."
    )
    train_share: float = Field(
        0.3, gt=0, lt=1, description="`spatial_blocks`: share of the blocks that train."
    )
    buffer: int | None = Field(
        None,
        ge=0,
        description="`spatial_blocks`, `training_blocks`, `outside_test`: pixels between training "
        "and test; null = the patch radius.",
    )
    folds: int = Field(
        5, ge=2, description="`training_blocks`: one part of so many tests, the rest trains."
    )
    samples_per_class: int | None = Field(
        None, ge=1, description="Training pixels kept of each class, any split; null = all."
    )
    validation: ValidationSettings = Field(
        default_factory=ValidationSettings,
        description="How validation pixels are carved from the training pixels.",
    )


def make_split(
    scene: xr.Dataset, settings: SplitSettings, seed: int, patch_radius: int
) -> xr.DataArray:
    """Splits the labelled, valid pixels of a scene.

    Validation pixels are carved from the training pixels only (`carve_validation`), so that the
    test pixels are used once, after training ended.

    Args:
        scene: A scene or prepared scene.
        settings: The split's settings.
        seed: Seed of every draw; the same seed gives the same split.
        patch_radius: Radius of the classifier's patch in pixels; the least buffer.

    Returns:
        (y, x) uint8: 0 none, 1 train, 2 validation, 3 test; attrs `name` and `seed`.

    Raises:
        SceneError: The scene lacks official maps, a class has no training pixel, or none tests.
        SettingsError: The buffer is narrower than the patch radius.
    """
    labels = np.where(valid_mask(scene), scene[LABELS].to_numpy(), 0)
    rng = np.random.default_rng([seed, 0])
    name = _resolve(settings.name, scene)
    train, test = SPLITS[name](scene, labels, settings, rng, patch_radius)
    if settings.samples_per_class is not None:
        train = _at_most(labels, train, settings.samples_per_class, rng)
    _check_parts(scene, labels, train, test, name)
    # A stream of its own: how many numbers the split drew does not move the validation pixels.
    validation = carve_validation(
        np.where(train, labels, 0), settings.validation, np.random.default_rng([seed, 1])
    )
    parts = np.zeros(labels.shape, np.uint8)
    parts[test], parts[train], parts[validation] = TEST, TRAIN, VALIDATION
    split = scene[LABELS].copy(data=parts)
    split.attrs.update(name=name, seed=seed)
    return split.rename("split")


def split_totals(split: xr.DataArray) -> dict[str, int]:
    """Pixels by part: train, validation, test."""
    return {part: int((split.to_numpy() == code).sum()) for part, code in PARTS.items()}


_Parts = tuple[np.ndarray, np.ndarray]  # training and test masks, (H, W) bool


def _resolve(name: SplitName, scene: xr.Dataset) -> str:
    if name != "auto":
        return name
    if OFFICIAL_TRAIN in scene:
        return "official"
    log.info("the scene has no official split: taking per_class (split.name chooses another)")
    return "per_class"


def _official(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> _Parts:
    if OFFICIAL_TRAIN not in scene:
        others = ", ".join(name for name in SPLITS if name != "official")
        raise SceneError(
            f"scene {scene.attrs.get('scene', '')} has no official split; set the split's `name` "
            f"to one of {others}"
        )
    train = (scene[OFFICIAL_TRAIN].to_numpy() != 0) & (labels != 0)
    rest = scene[OFFICIAL_TEST].to_numpy() != 0 if OFFICIAL_TEST in scene else ~train
    if OFFICIAL_TEST in scene and (train & rest).any():
        log.warning(
            "%d pixels are in both official maps; they train and do not test", (train & rest).sum()
        )
    return train, rest & ~train & (labels != 0)


def _per_class(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> _Parts:
    train = _draw(labels, lambda pixels: min(settings.per_class, pixels // 2), rng)
    return train, (labels != 0) & ~train


def _fraction(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> _Parts:
    train = _draw(labels, lambda pixels: round(settings.fraction * pixels), rng)
    return train, (labels != 0) & ~train


def _spatial_blocks(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> _Parts:
    """Random blocks train, the rest tests; more blocks train while a class lacks pixels."""
    buffer = _buffer(settings, patch_radius)
    blocks = grid_blocks(labels.shape, settings.block)
    labelled = np.unique(blocks[labels != 0])
    order = [int(block) for block in rng.permutation(labelled)]
    count = min(max(1, round(settings.train_share * len(order))), len(order))
    chosen, waiting = order[:count], order[count:]
    while True:
        in_train = np.isin(blocks, chosen) & (labels != 0)
        test = (labels != 0) & ~in_train
        train = in_train & ~near(test, buffer)
        missing = np.setdiff1d(labels[labels != 0], labels[train])
        if not missing.size or not waiting:
            return train, test
        # The waiting block with most pixels of the first missing class, or of its buffer.
        wanted = near(labels == missing[0], buffer)
        pixels = [int((wanted & (blocks == block)).sum()) for block in waiting]
        chosen.append(waiting.pop(int(np.argmax(pixels))))


def _training_blocks(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> _Parts:
    """One fold of blocks of the official training pixels tests; official test pixels do nothing."""
    official, _ = _official(scene, labels, settings, rng, patch_radius)
    classes = np.where(official, labels, 0)
    buffer = _buffer(settings, patch_radius)
    for train, held in block_folds(classes, settings.folds, settings.block, buffer, rng):
        if set(classes[train]) == set(classes[official]):
            return train, held
    raise SceneError(
        f"no fold of {settings.block} px blocks of the official training pixels leaves every class "
        "some to train on; set the split's `block` lower, or `folds` higher"
    )


def _outside_test(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> _Parts:
    """Every labelled pixel farther from the official test pixels than the buffer trains."""
    _, test = _official(scene, labels, settings, rng, patch_radius)
    return (labels != 0) & ~near(test, _buffer(settings, patch_radius)), test


_Splitter = Callable[[xr.Dataset, np.ndarray, SplitSettings, np.random.Generator, int], _Parts]

SPLITS: dict[str, _Splitter] = {
    "official": _official,
    "per_class": _per_class,
    "fraction": _fraction,
    "spatial_blocks": _spatial_blocks,
    "training_blocks": _training_blocks,
    "outside_test": _outside_test,
}


def _buffer(settings: SplitSettings, patch_radius: int) -> int:
    """Pixels between training and test.

    Raises:
        SettingsError: They are fewer than the patch radius.
    """
    buffer = patch_radius if settings.buffer is None else settings.buffer
    if buffer < patch_radius:
        raise SettingsError(
            f"the split's buffer of {buffer} px is narrower than the patch radius of "
            f"{patch_radius} px; raise it, or leave it null"
        )
    return buffer


def _draw(labels: np.ndarray, wanted: Callable[[int], int], rng: np.random.Generator) -> np.ndarray:
    """Draws `wanted(pixels of the class)` pixels of each class, at least one."""
    drawn = np.zeros(labels.size, bool)
    for class_id in np.unique(labels[labels != 0]):
        pixels = np.flatnonzero(labels.ravel() == class_id)
        count = max(1, wanted(len(pixels)))
        drawn[rng.choice(pixels, size=count, replace=False)] = True
    return drawn.reshape(labels.shape)


def _at_most(
    labels: np.ndarray, train: np.ndarray, most: int, rng: np.random.Generator
) -> np.ndarray:
    return _draw(np.where(train, labels, 0), lambda pixels: min(most, pixels), rng)


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
