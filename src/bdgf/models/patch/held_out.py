"""Held-out blocks of the labelled pixels: what every choice of a training is judged on.

Test pixels lie apart from training pixels. So whole blocks of a grid are held out, and the pixels
within the patch radius of them train no one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from bdgf.core.settings import Settings
from bdgf.models.patch.sampling import ClassWeights, Pixels, class_weights, thin_classes
from bdgf.splits.block_folds import block_folds
from bdgf.splits.validation_groups import grid_blocks

Folds = list[tuple[np.ndarray, np.ndarray]]
"""(n,) bool: which pixels of a table train, and which are held out."""

_STREAM = 5  # of the seed; samples, thinning and consistency take 0 to 4


class HeldOutSettings(Settings):
    """Blocks of training pixels that are held out. Chosen here; the paper is silent."""

    pixels: int = Field(
        3000,
        ge=2,
        description="Most labelled pixels that are dealt into blocks, rare classes whole",
    )
    folds: int = Field(5, ge=2, description="Folds that the blocks are dealt into")
    block: int = Field(24, ge=1, description="Side of a block in pixels")
    repeats: int = Field(1, ge=1, description="Draws of the grid and of the folds")
    strength: float = Field(
        2.0,
        gt=0,
        description="How many held-out blocks even weights are worth: the more, the nearer weights "
        "stay to even ones",
    )


@dataclass(frozen=True)
class HeldOutBlocks:
    """Labelled pixels, and folds of whole blocks of them.

    Attributes:
        pixels: n pixels whose labels may be seen.
        share: (n,) weights of the pixels.
        folds: Which of them train and which are held out, fold by fold; none where they cannot be
            told apart.
        block: Of each fold, (n,) the number of the block of its grid that each pixel lies in.
        strength: How many blocks even weights are worth.
    """

    pixels: Pixels
    share: np.ndarray
    folds: Folds
    block: tuple[np.ndarray, ...]
    strength: float

    def with_all_classes(self) -> Folds:
        """The folds whose training pixels hold every class."""
        targets, every = self.pixels.targets, len(np.unique(self.pixels.targets))
        return [fold for fold in self.folds if len(np.unique(targets[fold[0]])) == every]


def hold_out_blocks(
    pixels: Pixels,
    shape: tuple[int, int],
    settings: HeldOutSettings,
    *,
    buffer: int,
    weighting: ClassWeights,
    seed: int,
) -> HeldOutBlocks:
    """Deals labelled pixels into folds of blocks.

    Args:
        pixels: All pixels whose labels may be seen; each class has one.
        shape: (H, W) of the scene.
        settings: How.
        buffer: Pixels as near to held-out ones as this do not train.
        weighting: How the classes are weighted.
        seed: Decides which pixels are left out, and the folds.
    """
    rng = np.random.default_rng([seed, _STREAM])
    weights = class_weights(pixels.targets, int(pixels.targets.max()) + 1, weighting)
    counts, pixels = np.bincount(pixels.targets), thin_classes(pixels, settings.pixels, rng)
    share = np.ones(len(pixels)) if weights is None else weights[pixels.targets].astype(float)
    if len(pixels) < counts.sum():  # a pixel of a thinned class stands for those left out
        share *= (counts / np.bincount(pixels.targets))[pixels.targets]
        share *= len(pixels) / share.sum()
    at = (pixels.rows, pixels.cols)
    labelled = np.zeros(shape, np.int64)
    labelled[at] = 1 + pixels.targets
    folds: Folds = []
    numbers = []
    most = (shape[0] + settings.block) * (shape[1] + settings.block)  # blocks of one grid
    for repeat in range(settings.repeats):
        for fold in block_folds(labelled, settings.folds, settings.block, buffer, rng):
            if len(np.unique(labelled[fold.train])) < 2:
                continue  # who knows one class is always right
            folds.append((fold.train[at], fold.held[at]))
            numbers.append(fold.block[at] + repeat * most)
    return HeldOutBlocks(pixels, share, folds, tuple(numbers), settings.strength)


def block_numbers(pixels: Pixels, shape: tuple[int, int], side: int) -> np.ndarray:
    """(n,) numbers of blocks of a grid from the scene's corner, `side` pixels wide."""
    numbers: np.ndarray = grid_blocks(shape, side)[pixels.rows, pixels.cols]
    return numbers
