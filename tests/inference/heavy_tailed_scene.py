"""A scene of one band of heights: three classes close to the ground, and one with a long tail."""

import numpy as np

from bdgf.scenes.scene import ClassTable, ModalityArray, new_scene

SIDE, FIELD, CLASSES = 48, 8, 4
_WITHIN, _TAIL = (
    0.2,
    3.0,
)  # deviation within a class, of the distance of two; of the tail, in nepers


def heavy_tailed_scene(seed=0, scale=1.0, offset=0.0):
    """Fields of four classes: 0, 1 and 2 m above the ground, and 10 m and far more."""
    rng = np.random.default_rng(seed)
    fields = rng.permutation(np.arange((SIDE // FIELD) ** 2) % CLASSES)
    labels = np.kron(fields.reshape(SIDE // FIELD, -1), np.ones((FIELD, FIELD), int))
    noise = rng.normal(size=labels.shape)
    low, high = labels + _WITHIN * noise, 10 * np.exp(_TAIL * np.abs(noise))
    heights = np.where(labels < CLASSES - 1, low, high)
    modalities = {"height": ModalityArray(heights[..., None] * scale + offset, "auxiliary", "m")}
    return new_scene("heavy", modalities, labels + 1, ClassTable.of(list("abcd")))
