"""Pixels drawn class by class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def draw_pixels(
    labels: np.ndarray, wanted: Callable[[int], int], rng: np.random.Generator
) -> np.ndarray:
    """Draws `wanted(pixels of the class)` pixels of each class, at least one."""
    drawn = np.zeros(labels.size, bool)
    for class_id in np.unique(labels[labels != 0]):
        pixels = np.flatnonzero(labels.ravel() == class_id)
        count = max(1, wanted(len(pixels)))
        drawn[rng.choice(pixels, size=count, replace=False)] = True
    return drawn.reshape(labels.shape)
