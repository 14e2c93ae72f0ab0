"""Features of a pixel for classifiers that see a table: registered by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import xarray as xr

from bdgf.scenes.preparation import stack_channels
from bdgf.scenes.scene import LABELS
from bdgf.scenes.split import TRAIN, VALIDATION

FeatureName = Literal["pixel"]


def stacked_channels(prepared: xr.Dataset) -> np.ndarray:
    """(F, H, W) float32: the pixel's own channels of every modality."""
    return stack_channels(prepared)[0]


FEATURES: dict[FeatureName, Callable[[xr.Dataset], np.ndarray]] = {"pixel": stacked_channels}
FEATURE_PATCH: dict[FeatureName, int] = {"pixel": 1}


def training_table(
    features: np.ndarray, prepared: xr.Dataset, split: xr.DataArray, use_validation: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The training pixels as a table.

    Args:
        features: (F, H, W).
        prepared: The prepared scene that holds the labels.
        split: The split.
        use_validation: Whether validation pixels train too.

    Returns:
        (N, F) float32 features and (N,) class ids, in row-major order of the pixels.
    """
    parts = split.to_numpy()
    mask = (parts == TRAIN) | (use_validation & (parts == VALIDATION))
    return features[:, mask].T, prepared[LABELS].to_numpy()[mask]
