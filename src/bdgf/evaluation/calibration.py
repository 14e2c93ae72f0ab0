"""Calibration: whether a probability of 0.8 is correct in 80 % of cases."""

from __future__ import annotations

from typing import Any

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
    index = _bin(confidence, bins)
    # In a bin: |sum of correct - sum of confidence| / N is the gap times the bin's weight.
    gaps = np.bincount(index, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(truth))


def reliability(probabilities: np.ndarray, truth: np.ndarray, bins: int = 15) -> dict[str, Any]:
    """The values of a reliability diagram, in the bins of `expected_calibration_error`.

    Args:
        probabilities: (N, K) class probabilities.
        truth: (N,) class ids in 1..K.
        bins: Confidence bins of equal width; a bin holds its upper edge.

    Returns:
        JSON-ready lists of one number a bin: `pixels`, and the mean `confidence` and the
        `accuracy` of these, None where a bin is empty.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) + 1 == truth
    index = _bin(confidence, bins)
    pixels = np.bincount(index, minlength=bins)
    means = {
        name: np.bincount(index, weights=values, minlength=bins) / np.maximum(pixels, 1)
        for name, values in (("confidence", confidence), ("accuracy", correct))
    }
    return {
        "pixels": pixels.tolist(),
        **{
            name: [float(v) if n else None for v, n in zip(values, pixels, strict=True)]
            for name, values in means.items()
        },
    }


def _bin(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
