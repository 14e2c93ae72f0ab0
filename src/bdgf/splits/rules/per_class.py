"""So many training pixels of each class, drawn anywhere: the field's custom."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bdgf.splits.draw_pixels import draw_pixels
from bdgf.splits.rules.rule import Masks
from bdgf.splits.settings import SplitSettings


def per_class(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> Masks:
    """So many pixels of each class train, the rest tests."""
    train = draw_pixels(labels, lambda pixels: min(settings.per_class, pixels // 2), rng)
    return train, (labels != 0) & ~train
