"""Mean and standard deviation of maps in the window around each pixel, over its valid pixels."""

from __future__ import annotations

import numpy as np


def window_statistics(
    maps: np.ndarray, valid: np.ndarray, window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Statistics of each map in the square window around each pixel.

    Pixels outside the scene and pixels without data do not count. The sums over windows come from
    cumulative sums in float64: the cost does not grow with the window.

    Args:
        maps: (C, H, W) float32.
        valid: (H, W) bool.
        window: Side of the window in pixels, odd.

    Returns:
        Mean and standard deviation (of the population), (C, H, W) float32 each; 0 where the window
        holds no valid pixel.

    Raises:
        ValueError: The window has no centre pixel.
    """
    if window < 1 or window % 2 == 0:
        raise ValueError(f"a window has a centre pixel only when its side is odd, not {window}")
    pixels = _box_sums(valid.astype(np.float64), window)
    count = np.maximum(pixels, 1)
    mean = np.empty(maps.shape, np.float32)
    deviation = np.empty(maps.shape, np.float32)
    for channel, values in enumerate(maps):
        seen = np.where(valid, values, 0).astype(np.float64)
        # About the map's own mean, so that the difference of squares loses no digits.
        centre = seen.sum() / max(valid.sum(), 1)
        seen = np.where(valid, seen - centre, 0)
        first = _box_sums(seen, window) / count
        second = _box_sums(seen**2, window) / count
        mean[channel] = np.where(pixels > 0, first + centre, 0)
        deviation[channel] = np.where(pixels > 0, np.sqrt(np.maximum(second - first**2, 0)), 0)
    return mean, deviation


def _box_sums(values: np.ndarray, window: int) -> np.ndarray:
    """(H, W) sums of (H, W) values over the window around each pixel, cut at the borders."""
    for axis, size in enumerate(values.shape):
        total = np.insert(np.cumsum(values, axis=axis), 0, 0.0, axis=axis)
        places, radius = np.arange(size), window // 2
        stop, start = np.minimum(places + radius + 1, size), np.maximum(places - radius, 0)
        values = np.take(total, stop, axis=axis) - np.take(total, start, axis=axis)
    return values
