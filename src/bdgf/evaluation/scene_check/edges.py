"""Edge images: where the ground changes, independent of what the sensor measures."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import binary_dilation, gaussian_filter

_MOST_BANDS = 12  # evenly spaced bands that make an edge image
_SMOOTHING = 1.0  # pixels; speckle and noise are finer than the edges of fields and shores
_REACH = 3  # smoothings: how far an invalid pixel reaches
_BRIGHTEST = 99.0  # percentile at which values and edges are clipped: no roof or ship rules
_LEAST_INTENSITY = 1e-6  # -60 dB


def edge_image(modality: xr.DataArray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strength of a modality's edges: mean gradient magnitude of its standardised bands.

    Intensities are taken to decibels first, since their speckle grows with them.

    Args:
        modality: (y, x, band) values and the attribute `scale`.
        mask: (H, W) bool, where it has data.

    Returns:
        (H, W) float32 edges, 0 where they are not known; (H, W) bool, where they are.
    """
    count = modality.shape[-1]
    chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST_BANDS)).round().astype(int))
    weight = gaussian_filter(mask.astype(np.float32), _SMOOTHING)
    # Beside a hole the smoothed values lean to one side: an edge that is none.
    known = ~binary_dilation(~mask, iterations=round(_REACH * _SMOOTHING))
    known[[0, -1]] = known[:, [0, -1]] = False
    total = np.zeros(mask.shape, np.float32)
    for band in chosen:
        values = modality[..., band].to_numpy().astype(np.float32)
        if modality.attrs.get("scale") == "log":
            values = 10 * np.log10(np.maximum(values, _LEAST_INTENSITY))
        low, high = np.percentile(values[mask], (100 - _BRIGHTEST, _BRIGHTEST))
        values = np.clip(values, low, high)  # before all else: one wild pixel would rule it
        sigma = values[mask].std()
        if not sigma > 0:
            continue
        values = np.where(mask, (values - values[mask].mean()) / sigma, 0)
        smooth = gaussian_filter(values, _SMOOTHING) / np.maximum(weight, 1e-3)
        down, right = np.gradient(smooth)
        total += np.hypot(down, right)
    if known.any():
        total = np.minimum(total, np.percentile(total[known], _BRIGHTEST))
    return np.where(known, total, 0).astype(np.float32), known
