"""Calibration: whether a probability of 0.8 is right four times in five."""

from __future__ import annotations

import numpy as np


def expected_calibration_error(
    probabilities: np.ndarray, truth: np.ndarray, bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy, weighted by pixels (Guo et al. 2017, eq. 3).

    Args:
        probabilities: (N, K) class probabilities.
        truth: (N,) class ids in 1..K.
        bins: Confidence bins of equal width; a bin holds its upper edge.

    Returns:
        0 (perfectly calibrated) to 1.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) + 1 == truth
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    # In a bin: |sum of correct - sum of confidence| / N is the gap times the bin's weight.
    gaps = np.bincount(index, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(truth))
