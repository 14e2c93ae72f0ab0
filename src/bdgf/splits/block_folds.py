"""Folds of labelled pixels: whole blocks of a grid, at a distance from what is trained on.

Test pixels lie apart from training pixels; so do those that validate here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.ndimage import maximum_filter

from bdgf.splits.validation_groups import grid_blocks


class BlockFold(NamedTuple):
    """One fold of whole blocks.

    Attributes:
        train: (H, W) bool, the pixels that train, at least one.
        held: (H, W) bool, those held out, at least one, of classes that train.
        block: (H, W) int64, the number of the block that each pixel lies in.
    """

    train: np.ndarray
    held: np.ndarray
    block: np.ndarray


def block_folds(
    classes: np.ndarray, folds: int, block: int, buffer: int, rng: np.random.Generator
) -> Iterator[BlockFold]:
    """Folds of whole blocks of a grid laid at random, the classes spread over them.

    Args:
        classes: (H, W) integers, the class ids of the pixels that are dealt out, 0 elsewhere.
        folds: Number of folds, fewer where there are fewer blocks, or pixels of every class.
        block: Side of a block in pixels.
        buffer: Pixels as near to held-out ones as this do not train.
        rng: Lays the grid and deals the blocks.

    Yields:
        The folds, all of one grid.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    rows, cols = np.nonzero(classes)
    laid = rng.integers(block, size=2)
    height, width = classes.shape
    grid = grid_blocks((height + block, width + block), block)
    numbers = grid[laid[0] :, laid[1] :][:height, :width]
    groups = numbers[rows, cols]
    of_class = np.bincount(classes[rows, cols], minlength=1)
    count = min(folds, len(np.unique(groups)), of_class.max())
    if count < 2:
        return
    dealer = StratifiedGroupKFold(count, shuffle=True, random_state=int(rng.integers(2**31)))
    with warnings.catch_warnings():  # a class of fewer pixels than folds is not held out in each
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        dealt = list(dealer.split(groups, classes[rows, cols], groups))
    for _, index in dealt:
        held = np.zeros(classes.shape, bool)
        held[rows[index], cols[index]] = True
        train = (classes != 0) & ~near(held, buffer)
        held &= np.isin(classes, classes[train])
        if train.any() and held.any():
            yield BlockFold(train, held, numbers)


def near(mask: np.ndarray, distance: int) -> np.ndarray:
    """(H, W) bool: pixels within the Chebyshev `distance` of the (H, W) bool mask."""
    window = 2 * distance + 1
    return maximum_filter(mask.astype(np.uint8), size=window, mode="constant") > 0
