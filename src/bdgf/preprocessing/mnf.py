"""Minimum noise fraction: the axes along which the variance exceeds the noise's most.

Green et al., IEEE TGRS 1988; the noise is what adjacent pixels differ by.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy.linalg import eigh

from bdgf.preprocessing.pca import RANK, with_positive_largest
from bdgf.preprocessing.pixel_chunks import rows_at_once
from bdgf.raster.windows import row_bands

_NOISE_RIDGE = 1e-6  # share of the mean noise that every direction has at least


def noise_covariance(
    modality: xr.DataArray,
    mask: np.ndarray,
    bands: int,
    to_bands: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """(B, B) half the covariance of the differences between adjacent valid pixels.

    Args:
        modality: (y, x, band) values.
        mask: (H, W) bool, the valid pixels.
        bands: B, of what `to_bands` gives.
        to_bands: From (N, bands of the modality) values to (N, B) those whose noise is asked for.
    """
    height, width = mask.shape
    total, pairs = np.zeros((bands, bands)), 0
    step = rows_at_once(width, bands)
    for band in row_bands(height, step):
        rows = slice(band.start, min(band.stop + 1, height))  # one row more: the pairs across
        valid = mask[rows]
        values = np.zeros((*valid.shape, bands))
        values[valid] = to_bands(modality[rows].to_numpy()[valid].astype(np.float64))
        below = np.diff(values, axis=0)[valid[1:] & valid[:-1]]
        beside = np.diff(values[:step], axis=1)[valid[:step, 1:] & valid[:step, :-1]]
        for differences in (below, beside):
            total += differences.T @ differences
            pairs += len(differences)
    return total / max(2 * pairs, 1)


def noise_fraction_axes(
    covariance: np.ndarray, noise: np.ndarray, most: int, least_signal: float
) -> tuple[np.ndarray, np.ndarray]:
    """(C, B) axes and (C,) divisors' squares, most signal first.

    An axis is scaled so that its channel, once divided, has the variance of its signal.

    Args:
        covariance: (B, B).
        noise: (B, B), from `noise_covariance`.
        most: Most axes.
        least_signal: Axes with a lower share of signal are dropped.
    """
    bands = len(noise)
    ridge = _NOISE_RIDGE * (np.trace(noise) + np.trace(covariance) * RANK) / bands
    ratios, axes = eigh(covariance, noise + max(ridge, np.finfo(float).tiny) * np.eye(bands))
    ratios, axes = ratios[::-1][:most], axes[:, ::-1][:, :most].T
    signal = 1 - 1 / np.maximum(ratios, 1.0)
    kept = signal >= max(least_signal, RANK)
    kept[0] = True  # a modality without any signal keeps one channel
    axes, ratios, signal = axes[kept], ratios[kept], np.maximum(signal[kept], RANK)
    # eigh gives axes of unit noise, along which the total variance is the ratio.
    return with_positive_largest(axes), np.maximum(ratios, 0.0) / signal
