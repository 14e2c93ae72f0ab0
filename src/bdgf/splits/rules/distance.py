"""Training pixels at a chosen distance from test pixels that are the same at every distance.

At distance 0 training pixels lie among the test pixels, as in random splits; at `split.farthest`
as far from them as is compared. So the gain of a method can be set against the distance.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import distance_transform_cdt

from bdgf.core.errors import SceneError, SettingsError
from bdgf.splits.draw_pixels import draw_pixels
from bdgf.splits.rules.rule import Masks
from bdgf.splits.settings import SplitSettings
from bdgf.splits.validation_groups import grid_blocks


def distance(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> Masks:
    """Half of each class in some blocks tests; the nearest pixels from the distance on train.

    The test pixels, and how many of each class train, depend on the seed, `block`, `per_class`,
    `train_share` and `farthest`, not on `distance`.
    """
    if settings.distance > settings.farthest:
        raise SettingsError(
            f"split.distance={settings.distance} is more than split.farthest={settings.farthest}, "
            "which the test pixels are chosen for; raise the latter, in all runs to be compared"
        )
    blocks = _test_blocks(labels, settings, rng)
    if not blocks.any():
        raise SceneError(
            f"no block can test: each would leave a class too few pixels at {settings.farthest} px "
            "from it; set split.farthest, split.block or split.per_class lower"
        )
    test = draw_pixels(np.where(blocks, labels, 0), lambda pixels: pixels - pixels // 2, rng)
    away = distance_transform_cdt(~test, "chessboard").ravel()
    train = np.zeros(labels.size, bool)
    for class_id in np.unique(labels[labels != 0]):
        pixels = rng.permutation(np.flatnonzero((labels.ravel() == class_id) & ~test.ravel()))
        count = min(settings.per_class, int((away[pixels] >= settings.farthest).sum()))
        pixels = pixels[away[pixels] >= settings.distance]
        train[pixels[np.argsort(away[pixels], kind="stable")[:count]]] = True
    return train.reshape(labels.shape), test


def _test_blocks(
    labels: np.ndarray, settings: SplitSettings, rng: np.random.Generator
) -> np.ndarray:
    """(H, W) bool: blocks far from which every class keeps pixels to train on."""
    blocks = grid_blocks(labels.shape, settings.block)
    order = rng.permutation(np.unique(blocks[labels != 0]))
    most = max(1, round((1 - settings.train_share) * len(order)))
    left = np.bincount(labels.ravel())
    needed = np.minimum(settings.per_class, (left + 1) // 2)
    chosen, near = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    taken = 0
    for block in order:
        inside = blocks == block
        around = _grown(inside, settings.farthest - 1)
        lost = np.bincount(labels[around][~near[around]], minlength=len(left))
        if (left - lost >= needed)[1:].all():
            left, taken = left - lost, taken + 1
            near[around] = True
            chosen |= inside
        if taken == most:
            break
    return chosen


def _grown(block: np.ndarray, margin: int) -> tuple[slice, slice]:
    """The rectangle of a block and of what lies within the margin of it."""
    spans = (np.flatnonzero(block.any(axis=axis)) for axis in (1, 0))
    rows, columns = (
        slice(max(int(span[0]) - margin, 0), int(span[-1]) + margin + 1) for span in spans
    )
    return rows, columns
