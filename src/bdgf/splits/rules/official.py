"""The scene's own training and test maps."""

from __future__ import annotations

import logging

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.scenes.scene import OFFICIAL_TEST, OFFICIAL_TRAIN
from bdgf.splits.rules.rule import Masks
from bdgf.splits.settings import SplitSettings

log = logging.getLogger(__name__)


def official(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> Masks:
    """The official training pixels train; the official test pixels, or the rest, test."""
    if OFFICIAL_TRAIN not in scene:
        raise SceneError(
            f"scene {scene.attrs.get('scene', '')} has no official split; set the split's `name` "
            "to one of per_class, fraction, spatial_blocks"
        )
    train = (scene[OFFICIAL_TRAIN].to_numpy() != 0) & (labels != 0)
    rest = scene[OFFICIAL_TEST].to_numpy() != 0 if OFFICIAL_TEST in scene else ~train
    if OFFICIAL_TEST in scene and (train & rest).any():
        log.warning(
            "%d pixels are in both official maps; they train and do not test", (train & rest).sum()
        )
    return train, rest & ~train & (labels != 0)
