"""Leakage: the share of test pixels whose surroundings were used in training."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter

from bdgf.splits.parts import TEST, TRAIN, VALIDATION
from bdgf.splits.settings import BUFFERED


def leakage(split: np.ndarray, patch: int) -> float:
    """Share of the test pixels whose patch holds a training or validation pixel.

    Validation pixels count: they come out of the scene's training pixels, and training looks at
    them when it chooses its epoch.

    Args:
        split: (H, W) uint8, a split's values.
        patch: Side of the classifier's square patch in pixels, odd.

    Returns:
        0..1; 0 when there are no test pixels.
    """
    split = np.asarray(split)
    seen = ((split == TRAIN) | (split == VALIDATION)).astype(np.uint8)
    near = maximum_filter(seen, size=patch, mode="constant") > 0
    test = split == TEST
    return float(near[test].mean()) if test.any() else 0.0


def leakage_text(name: str, share: float, patch: int) -> str:
    """What is wrong with a split that leaks, and the setting that mends it.

    Args:
        name: The split's rule.
        share: Its leakage, 0..1.
        patch: Side in pixels of the square that the model sees of a pixel's surroundings.
    """
    least = f"split.buffer={patch // 2}"
    remedy = (
        f"set {least} or more"
        if name in BUFFERED
        else f"for a fair measure choose split.name=spatial_blocks with {least} or more"
    )
    return (
        f"split '{name}': {share:.1%} of the test pixels have a training or validation pixel in "
        f"their {patch} px patch, so the accuracy is inflated; {remedy}"
    )
