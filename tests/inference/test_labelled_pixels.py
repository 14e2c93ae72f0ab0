"""Probabilities at labelled pixels, taken block by block."""

import numpy as np

from bdgf.inference.labelled_pixels import LabelledPixels
from bdgf.raster.windows import blocks

SHAPE = (17, 23)
RNG = np.random.default_rng(0)
LABELS = (RNG.integers(0, 4, SHAPE) * (RNG.random(SHAPE) < 0.3)).astype(np.uint8)
MAPS = RNG.random((3, *SHAPE)).astype(np.float32)


def test_each_labelled_pixel_has_its_own(tmp_path):
    taken = LabelledPixels.open(tmp_path / "a.raw", LABELS, 3, "p")
    for window in reversed(list(blocks(SHAPE, 6))):
        taken.take(window, {"p": MAPS[:, *window.index]})
    np.testing.assert_array_equal(taken.probabilities, MAPS[:, LABELS > 0].T)
    np.testing.assert_array_equal(taken.truth, LABELS[LABELS > 0])


def test_what_was_taken_stays_and_another_size_begins_anew(tmp_path):
    first, *_ = blocks(SHAPE, 6)
    LabelledPixels.open(tmp_path / "a.raw", LABELS, 3, "p").take(
        first, {"p": MAPS[:, *first.index]}
    )
    again = LabelledPixels.open(tmp_path / "a.raw", LABELS, 3, "p")
    inside = np.zeros(SHAPE, bool)
    inside[first.index] = True
    known = inside[LABELS > 0]
    np.testing.assert_array_equal(again.probabilities[known], MAPS[:, (LABELS > 0) & inside].T)
    assert not again.probabilities[~known].any()
    assert not LabelledPixels.open(tmp_path / "a.raw", LABELS, 2, "p").probabilities.any()
