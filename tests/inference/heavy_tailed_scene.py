"""A scene of one band whose classes differ by a factor each: its mean and spread tell nothing."""

import numpy as np

from bdgf.scenes.scene import ClassTable, ModalityArray, new_scene

SIDE, FIELD, CLASSES = 48, 8, 4
_FACTOR, _WITHIN = 2.2, 0.3  # nepers between two classes; standard deviation within one, of these


def heavy_tailed_scene(seed=0, scale=1.0, offset=0.0):
    """Fields of four classes, and counts that grow ninefold from one class to the next."""
    rng = np.random.default_rng(seed)
    fields = rng.permutation(np.arange((SIDE // FIELD) ** 2) % CLASSES)
    labels = np.kron(fields.reshape(SIDE // FIELD, -1), np.ones((FIELD, FIELD), int))
    counts = np.exp(_FACTOR * (labels + _WITHIN * rng.normal(size=labels.shape)))
    modalities = {"counts": ModalityArray(counts[..., None] * scale + offset, "auxiliary")}
    return new_scene("heavy", modalities, labels + 1, ClassTable.of(list("abcd")))
