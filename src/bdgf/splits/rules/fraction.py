"""A share of each class trains, drawn anywhere: the field's custom."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bdgf.splits.draw_pixels import draw_pixels
from bdgf.splits.rules.rule import Masks
from bdgf.splits.settings import SplitSettings


def fraction(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> Masks:
    """A share of each class trains, the rest tests."""
    train = draw_pixels(labels, lambda pixels: round(settings.fraction * pixels), rng)
    return train, (labels != 0) & ~train
