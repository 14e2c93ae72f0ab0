"""The training pixels of a scene with their features, and what an estimator is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bdgf.models.sklearn.feature_source import PixelReader, row_bands
from bdgf.splits.parts import TRAIN, VALIDATION


@dataclass(frozen=True)
class TrainingPixels:
    """Training pixels in row-major order.

    Attributes:
        features: (N, F) float32.
        label_map: (H, W) class ids of the training pixels, 0 elsewhere.
    """

    features: np.ndarray
    label_map: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """(N,) class ids."""
        return self.label_map[self.label_map != 0]


@dataclass(frozen=True)
class Estimator:
    """A classifier of scikit-learn on pixel features.

    Attributes:
        fit: (table, settings, seed) -> trained estimator, which scikit-learn can store.
        probabilities: (trained estimator, (N, F) features, settings) -> (N, classes) in the order
            of `classes`.
        classes: (trained estimator) -> its class ids, ascending.
        size: (trained estimator) -> how large it is: nodes of a forest, support vectors of an SVM.
        check: Raises ValueError where a stored estimator would lead astray.
        trusted: Types that skops does not vouch for and `check` does.
    """

    fit: Callable[[TrainingPixels, Any, int], Any]
    probabilities: Callable[[Any, np.ndarray, Any], np.ndarray]
    classes: Callable[[Any], np.ndarray]
    size: Callable[[Any], int]
    check: Callable[[Any], None]
    trusted: tuple[str, ...] = ()


def training_pixels(
    table: PixelReader, labels: np.ndarray, split: np.ndarray, use_validation: bool
) -> TrainingPixels:
    """Picks the training pixels; labels of others are not looked at.

    Args:
        table: Describes pixels of the scene.
        labels: (H, W) class ids, 0 = unlabelled.
        split: (H, W) uint8, a split's values.
        use_validation: Whether validation pixels train too.
    """
    chosen = (split == TRAIN) | (use_validation & (split == VALIDATION))
    label_map = np.where(chosen, labels, 0)
    described = [table(band) for band in row_bands(label_map != 0)]
    return TrainingPixels(np.concatenate(described), label_map)


def in_chunks(
    predict: Callable[[np.ndarray], np.ndarray], features: np.ndarray, size: int, jobs: int
) -> np.ndarray:
    """`predict` on (N, F) features, `size` pixels at a time, side by side in threads."""
    from joblib import Parallel, delayed

    chunks = [
        np.ascontiguousarray(features[start : start + size], np.float32)
        for start in range(0, len(features), size)
    ]
    return np.concatenate(Parallel(n_jobs=jobs, prefer="threads")(map(delayed(predict), chunks)))
