"""A small scene of three modalities, one of them of many bands."""

import numpy as np

from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import ClassTable, ModalityArray, new_scene


def make_scene(seed=0, bands=20, size=(24, 17), scale=1.0, **modalities):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(6, bands))
    optical = rng.normal(size=(*size, 6)) @ mixing * scale + 3
    optical += 0.1 * rng.normal(size=optical.shape)
    arrays = {
        "optical": ModalityArray(optical, "spectral"),
        "height": ModalityArray(rng.random((*size, 1)) * 30, "auxiliary", "m"),
        "sar": ModalityArray(rng.exponential(size=(*size, 2)), "auxiliary", "", "log"),
        **modalities,
    }
    labels = rng.integers(0, 3, size)
    return new_scene(
        "made", arrays, labels, ClassTable.of(["a", "b"]), valid=rng.random(size) < 0.8
    )


def whole_spectra(**changes):
    """Components of the bands alone: neither brightness nor averages stand beside them."""
    return PreparationSettings(brightness_apart=False, averages=0, **changes)
