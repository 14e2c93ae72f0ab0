"""Blocks of the official training pixels: what settings are chosen on."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.splits.block_folds import block_folds
from bdgf.splits.rules.official import official
from bdgf.splits.rules.rule import Masks
from bdgf.splits.settings import SplitSettings


def training_blocks(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> Masks:
    """One fold of blocks of the official training pixels tests; official test pixels do nothing."""
    given, _ = official(scene, labels, settings, rng, patch_radius)
    classes = np.where(given, labels, 0)
    buffer = settings.buffer_for(patch_radius)
    for train, held, _ in block_folds(classes, settings.folds, settings.block, buffer, rng):
        if set(classes[train]) == set(classes[given]):
            return train, held
    raise SceneError(
        f"no fold of {settings.block} px blocks of the official training pixels leaves every class "
        "some to train on; set the split's `block` lower, or `folds` higher"
    )
