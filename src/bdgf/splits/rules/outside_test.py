"""All labels away from the official test pixels: not a result, but how far many labels lead."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bdgf.splits.block_folds import near
from bdgf.splits.rules.official import official
from bdgf.splits.rules.rule import Masks
from bdgf.splits.settings import SplitSettings


def outside_test(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> Masks:
    """Every labelled pixel farther from the official test pixels than the buffer trains."""
    _, test = official(scene, labels, settings, rng, patch_radius)
    return (labels != 0) & ~near(test, settings.buffer_for(patch_radius)), test
