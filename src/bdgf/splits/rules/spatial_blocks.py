"""Disjoint blocks with a buffer: no test patch holds a training pixel."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bdgf.splits.block_folds import near
from bdgf.splits.rules.rule import Masks
from bdgf.splits.settings import SplitSettings
from bdgf.splits.validation_groups import grid_blocks


def spatial_blocks(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> Masks:
    """Random blocks train, the rest tests; more blocks train while a class lacks pixels."""
    buffer = settings.buffer_for(patch_radius)
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
