"""Statistics of another raster's bands, as refitted by `predict.adapt=statistics`."""

from __future__ import annotations

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.preprocessing.modality_transform import to_values
from bdgf.preprocessing.preparation import Preparation
from bdgf.raster.windows import blocks
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.scene_windows import SceneWindows

_SIDE = 512
"""Side in pixels of the blocks that are read at a time."""


def band_statistics(
    source: SceneWindows, preparation: Preparation
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean and standard deviation of each modality's values, in one pass and without labels.

    Args:
        source: The raster.
        preparation: Says what a modality's values are: bands, decibels, or brightness and shape.

    Returns:
        (B,) float64 mean and standard deviation by modality; of those that have data somewhere.

    Raises:
        SceneError: No pixel has data.
    """
    found = source.modalities
    there = {name: t for name, t in preparation.modalities.items() if name in found}
    counts = dict.fromkeys(there, 0)
    means = {name: np.zeros(len(t.band_mean)) for name, t in there.items()}
    squares = {name: np.zeros_like(mean) for name, mean in means.items()}
    for window in blocks(source.shape, _SIDE):
        scene = source.read(window)
        for name, transform in there.items():
            mask = modality_mask(scene, name)
            count, here = counts[name], int(mask.sum())
            if not here:
                continue
            pixels = scene[name].to_numpy()[mask].astype(np.float64)
            values = to_values(
                pixels, transform.scale, transform.least_brightness, preparation.settings
            )
            # Chan, Golub and LeVeque (1983): the sums of two parts, without loss of digits.
            apart = values.mean(0) - means[name]
            squares[name] += ((values - values.mean(0)) ** 2).sum(0)
            squares[name] += apart**2 * (count * here / (count + here))
            means[name] += apart * (here / (count + here))
            counts[name] += here
    if not any(counts.values()):
        raise SceneError(f"scene '{source.name}' has no pixel with data; nothing can be adapted")
    return {
        name: (means[name], np.sqrt(squares[name] / count))
        for name, count in counts.items()
        if count
    }
