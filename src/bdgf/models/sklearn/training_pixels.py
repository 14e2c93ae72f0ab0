"""The training pixels of a scene with their features, and the estimator interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.features.prepared_window import classifier_reach, read_window
from bdgf.models.sklearn.feature_source import PixelFeatures, PixelReader, wanted_bands
from bdgf.raster.windows import blocks
from bdgf.splits.parts import TRAIN, VALIDATION

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.features.source import FeatureSource

_SIDE = 512
"""Side in pixels of a window that is read at a time."""


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
    label_map = _label_map(labels, split, use_validation)
    described = [table(band) for band in wanted_bands(label_map != 0)]
    return TrainingPixels(np.concatenate(described), label_map)


def training_pixels_of_windows(
    features: PixelFeatures,
    prepared: xr.Dataset,
    cube: FeatureSource | None,
    labels: np.ndarray,
    split: np.ndarray,
    use_validation: bool,
) -> TrainingPixels:
    """The same of a scene that does not fit into memory: window by window.

    Args:
        features: What describes a pixel.
        prepared: The prepared scene.
        cube: Its diffusion features, where the model uses them.
        labels: (H, W) class ids, 0 = unlabelled.
        split: (H, W) uint8, a split's values.
        use_validation: Whether validation pixels train too.
    """
    label_map = _label_map(labels, split, use_validation)
    reach = classifier_reach(features.patch, cube.levels if cube is not None else ())
    described, places = [], []
    for window in blocks(label_map.shape, _SIDE):
        rows, columns = np.nonzero(label_map[window.index])
        if not len(rows):
            continue
        read = read_window(prepared, cube, window, reach)
        wanted = np.zeros((read.prepared.sizes["y"], read.prepared.sizes["x"]), bool)
        wanted[rows + read.core.rows.start, columns + read.core.columns.start] = True
        described.append(features.table(read.prepared, read.features)(wanted))
        first = window.rows.start * label_map.shape[1] + window.columns.start
        places.append(first + rows * label_map.shape[1] + columns)
    order = np.argsort(np.concatenate(places))  # row-major over the whole scene
    return TrainingPixels(np.concatenate(described)[order], label_map)


def _label_map(labels: np.ndarray, split: np.ndarray, use_validation: bool) -> np.ndarray:
    chosen = (split == TRAIN) | (use_validation & (split == VALIDATION))
    return np.where(chosen, labels, 0)


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
