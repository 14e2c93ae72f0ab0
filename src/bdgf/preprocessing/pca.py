"""Principal axes of a covariance matrix."""

from __future__ import annotations

import numpy as np

RANK = 1e-12
"""Share of the first component's variance below which there is no component."""


def principal_axes(covariance: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(C, B) axes and (C,) variances, largest first; each axis's largest loading is positive."""
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1][:count], axes[:, ::-1][:, :count].T
    axes = with_positive_largest(axes)
    # Beyond the rank there is only rounding, which unit variance would blow up.
    absent = variances <= RANK * variances[0]
    return np.where(absent[:, None], 0.0, axes), np.where(absent, 0.0, variances)


def with_positive_largest(axes: np.ndarray) -> np.ndarray:
    """(C, B) axes whose largest loading is positive: a sign that no library's version decides."""
    largest = np.abs(axes).argmax(axis=1)
    return np.asarray(axes * np.sign(axes[np.arange(len(axes)), largest])[:, None])
