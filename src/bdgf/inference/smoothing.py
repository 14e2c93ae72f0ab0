"""Edge-aware spatial smoothing of class probabilities.

Neighbouring pixels that look alike are mostly of one class. A pixel's probabilities become a mean
over its surroundings, weighted by distance and by likeness of the channels: the bilateral filter
(Tomasi and Manduchi, ICCV 1998), joint with the scene. Chosen by this project, not the paper.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from pydantic import Field

from bdgf.core.numba_kernels import numba_kernel, run_tasks, thread_count
from bdgf.core.settings import MAIN, Settings, searched

_REACH = 3
"""Surroundings that are looked at end at so many sigma."""


class SmoothingSettings(Settings):
    """Smoothing of the probabilities. Chosen by this project, not the paper."""

    sigma: float = Field(
        0.0,
        ge=0,
        description="Sigma of the neighbourhood in pixels; 0 disables smoothing",
        json_schema_extra=MAIN | searched(0, 3),
    )
    contrast: float = Field(
        0.3,
        gt=0,
        description="Difference of the scene's channels (root mean square, in standard "
        "deviations) at which a neighbour has the weight exp(-1/2)",
    )


def smoothing_reach(settings: SmoothingSettings) -> int:
    """Radius in pixels of the neighbourhood used for smoothing."""
    return math.ceil(_REACH * settings.sigma)


def smooth_probabilities(
    probabilities: np.ndarray, channels: np.ndarray, valid: np.ndarray, settings: SmoothingSettings
) -> np.ndarray:
    """Computes the weighted mean over each pixel's neighbourhood.

    A neighbour at distance d (pixels) whose channels differ by e (root mean square over the
    channels) has the weight exp(-d^2 / (2 sigma^2) - e^2 / (2 contrast^2)).

    Args:
        probabilities: (K, H, W) float32.
        channels: (C, H, W) float32, standardised.
        valid: (H, W) bool; other pixels count nowhere and stay as they are.
        settings: Settings.

    Returns:
        (K, H, W) float32, where valid a mean of valid pixels' probabilities.
    """
    if not settings.sigma:
        return probabilities
    reach = smoothing_reach(settings)
    steps = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    distance = (steps**2).sum(1)
    near = distance <= (_REACH * settings.sigma) ** 2
    offsets, distance = np.ascontiguousarray(steps[near]), distance[near]
    nearness = (-distance / (2 * settings.sigma**2)).astype(np.float32)
    pixels = np.ascontiguousarray(np.moveaxis(channels, 0, -1), np.float32)  # (H, W, C)
    given = np.ascontiguousarray(np.moveaxis(probabilities, 0, -1), np.float32)  # (H, W, K)
    precision = 1 / (2 * settings.contrast**2 * pixels.shape[-1])
    found = given.copy()
    mask = np.ascontiguousarray(valid, bool)
    kernel = _kernel()

    def smooth(first: int, last: int, worker: int) -> None:
        kernel(given, pixels, mask, offsets, nearness, np.float32(precision), found, first, last)

    operations = mask.size * len(offsets) * (pixels.shape[-1] + given.shape[-1])
    run_tasks(smooth, len(mask), thread_count(len(mask), operations))
    return np.ascontiguousarray(np.moveaxis(found, -1, 0))


@cache
def _kernel() -> Any:
    return numba_kernel(_smooth, fastmath={"contract", "reassoc"})


def _smooth(
    given: Any,
    channels: Any,
    valid: Any,
    offsets: Any,
    nearness: Any,
    precision: Any,
    found: Any,
    first: int,
    last: int,
) -> None:
    height, width, classes = given.shape
    total = np.empty(classes, np.float32)
    for row in range(first, last):
        for col in range(width):
            if not valid[row, col]:
                continue
            here = channels[row, col]
            total[:] = 0
            weight_sum = np.float32(0)
            for place in range(offsets.shape[0]):
                r, c = row + offsets[place, 0], col + offsets[place, 1]
                if r < 0 or r >= height or c < 0 or c >= width or not valid[r, c]:
                    continue
                there = channels[r, c]
                difference = np.float32(0)
                for channel in range(here.shape[0]):
                    step = here[channel] - there[channel]
                    difference += step * step
                weight = np.exp(nearness[place] - precision * difference)
                weight_sum += weight
                for k in range(classes):
                    total[k] += weight * given[r, c, k]
            for k in range(classes):
                found[row, col, k] = total[k] / weight_sum
