"""Validation pixels, taken from the training pixels in spatial groups if there are enough.

Neighbours of training pixels validate nothing: they lie in the same field or crown. So whole
groups of training pixels are held out. All of this is chosen here; the paper is silent.
"""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np
from pydantic import Field
from scipy.ndimage import label as connected_components
from scipy.ndimage import maximum_filter

from bdgf.core.settings import Settings

log = logging.getLogger(__name__)

GroupName = Literal["components", "blocks", "pixels"]
# Each kind of group falls back to the ones after it, class by class.
_KINDS: tuple[GroupName, ...] = ("components", "blocks", "pixels")

# Whole groups may miss the wanted number of pixels by this factor.
_TOLERANCE = 1.5


class ValidationSettings(Settings):
    """How validation pixels are taken from the training pixels."""

    fraction: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="Share of each class's training pixels; 0 gives no validation pixels.",
    )
    groups: GroupName = Field(
        "components",
        description="Unit that is held out as a whole: connected pixels of a class, grid "
        "blocks, or pixels.",
    )
    min_groups: int = Field(
        4, ge=2, description="A class with fewer groups uses blocks, then pixels."
    )
    reach: int = Field(
        1,
        ge=0,
        description="Pixels belong to one component if windows of this radius around them touch.",
    )
    block: int = Field(16, ge=1, description="Side of a grid block in pixels.")


def carve_validation(
    labels: np.ndarray, settings: ValidationSettings, rng: np.random.Generator
) -> np.ndarray:
    """Chooses the training pixels that validate instead.

    A class with two or more pixels keeps at least one for training and gives at least one.

    Args:
        labels: (H, W) integers, the class ids of the training pixels, 0 elsewhere.
        settings: How to take them.
        rng: Source of every draw.

    Returns:
        (H, W) bool, True on validation pixels.
    """
    validation = np.zeros(labels.shape, bool)
    if settings.fraction == 0:
        return validation
    kinds = _KINDS[_KINDS.index(settings.groups) :]
    for class_id in np.unique(labels[labels != 0]):
        mask = labels == class_id
        if mask.sum() < 2:
            continue
        for kind in kinds:
            groups = _groups(mask, kind, settings)
            chosen = _hold_out(groups[mask], settings, rng, pixels=kind == "pixels")
            if chosen is not None:
                validation[mask] = chosen
                break
        if kind != settings.groups:
            log.info(
                "class %d has too few training %s to validate on some; %s validate",
                *(class_id, settings.groups, kind),
            )
    return validation


def carve_polygons(
    labels: np.ndarray, polygons: np.ndarray, fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Moves whole training polygons to validation.

    A class with two or more keeps at least one for training and gives at least one; the only one of
    a class trains.

    Args:
        labels: (H, W) integers, the class ids of the training pixels, 0 elsewhere.
        polygons: (H, W) integers, the polygon of each training pixel from 1.
        fraction: Share of each class's training polygons; 0 takes none.
        rng: Source of every draw.

    Returns:
        (H, W) bool, True on validation pixels.
    """
    held: list[int] = []
    taken: set[int] = set()
    for class_id in np.unique(labels[labels != 0]) if fraction else ():
        # A polygon with pixels of two classes is drawn once.
        ids = [i for i in np.unique(polygons[labels == class_id]).tolist() if i not in taken]
        taken.update(ids)
        if len(ids) < 2:
            log.info("class %d has one training polygon only: it validates nothing", class_id)
            continue
        count = min(max(1, round(fraction * len(ids))), len(ids) - 1)
        held += rng.permutation(ids)[:count].tolist()
    return np.isin(polygons, held) & (labels != 0)


def spatial_groups(labels: np.ndarray, settings: ValidationSettings) -> np.ndarray:
    """Groups of pixels that belong together, class by class.

    A class with fewer groups than `settings.min_groups` falls back to blocks, then to pixels.

    Args:
        labels: (H, W) integers, the class ids of the pixels to group, 0 elsewhere.
        settings: What makes a group; its `fraction` is not looked at.

    Returns:
        (H, W) integers: each pixel's group, no two classes sharing one; -1 where labels are 0.
    """
    numbers, used = np.full(labels.shape, -1), 0
    for class_id in np.unique(labels[labels != 0]):
        mask = labels == class_id
        for kind in _KINDS[_KINDS.index(settings.groups) :]:
            ids, groups = np.unique(_groups(mask, kind, settings)[mask], return_inverse=True)
            if kind == "pixels" or len(ids) >= settings.min_groups:
                numbers[mask] = used + groups
                used += len(ids)
                break
    return numbers


def grid_blocks(shape: tuple[int, ...], side: int) -> np.ndarray:
    """(H, W) integers: the number of each pixel's block in a grid of `side` x `side` blocks."""
    rows, columns = np.arange(shape[0]) // side, np.arange(shape[1]) // side
    return rows[:, None] * (columns[-1] + 1) + columns[None, :]


def _groups(mask: np.ndarray, kind: GroupName, settings: ValidationSettings) -> np.ndarray:
    """(H, W) integers: the group of each pixel of the mask."""
    if kind == "components":
        window = 2 * settings.reach + 1
        grown = maximum_filter(mask.astype(np.uint8), size=window, mode="constant")
        return connected_components(grown, structure=np.ones((3, 3)))[0]
    return grid_blocks(mask.shape, settings.block if kind == "blocks" else 1)


def _hold_out(
    groups: np.ndarray, settings: ValidationSettings, rng: np.random.Generator, pixels: bool
) -> np.ndarray | None:
    """Which of the n pixels with group numbers (n,) validate; None when groups are too few."""
    ids, sizes = np.unique(groups, return_counts=True)
    if len(ids) < (2 if pixels else settings.min_groups):
        return None
    wanted = min(max(1, round(settings.fraction * len(groups))), len(groups) - 1)
    most = min(round(_TOLERANCE * wanted), len(groups) - 1)
    held: list[int] = []
    count = 0
    for index in rng.permutation(len(ids)):
        if count < wanted and count + sizes[index] <= most:
            held.append(int(ids[index]))
            count += int(sizes[index])
    # Groups too unequal to come near the share are no groups to validate on.
    return np.isin(groups, held) if count * _TOLERANCE >= wanted else None
