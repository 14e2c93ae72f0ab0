"""Leakage against a loop over the test pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdgf.evaluation.leakage import leakage, leakage_text
from bdgf.splits.settings import BUFFERED, SplitSettings
from bdgf.splits.split import SPLITS, make_split
from tests.splits.random_scenes import random_scene


def brute_force(split, patch):
    radius, leaking = patch // 2, 0
    pixels = np.argwhere(split == 3)
    for row, column in pixels:
        window = split[
            max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1
        ]
        leaking += np.isin(window, (1, 2)).any()
    return leaking / len(pixels)


@given(seed=st.integers(0, 10_000), radius=st.integers(0, 6), share=st.floats(0.0, 0.1))
def test_equal_to_brute_force(seed, radius, share):
    rng = np.random.default_rng(seed)
    split = rng.choice(4, p=[0.4, share / 2, share / 2, 0.6 - share], size=(20, 15))
    patch = 2 * radius + 1
    assert leakage(split, patch) == pytest.approx(brute_force(split, patch))


def test_validation_pixels_count_and_the_own_pixel_does_not():
    split = np.array([[3, 0, 2]])
    assert leakage(split, 3) == 0.0
    assert leakage(split, 5) == 1.0
    assert leakage(np.zeros((3, 3)), 3) == 0.0


PATCH, SEEN = 3, 7
"""What the split keeps clear by default, and the larger window of the model in use."""


def split_of(name, **changes):
    scene = random_scene(0, polygon=20)
    if name == "outside_test":  # which needs labels that do not test
        scene["official_test"][:, 12:] = 0
    fields = {"block": 10, "train_share": 0.4, "fraction": 0.1, "farthest": 4}
    settings = SplitSettings(name=name, **fields, **changes)
    return make_split(scene, settings, 0, PATCH // 2).to_numpy()


@pytest.mark.parametrize("name", SPLITS)
def test_what_the_warning_says_mends_the_split(name):
    share = leakage(split_of(name), SEEN)
    assert share > 0
    text = leakage_text(name, share, SEEN)
    assert f"split '{name}': {share:.1%} of the test pixels" in text
    assert "split.buffer=3 or more" in text
    assert ("split.name=spatial_blocks" in text) == (name not in BUFFERED)
    mended = name if name in BUFFERED else "spatial_blocks"
    assert leakage(split_of(mended, buffer=SEEN // 2), SEEN) == 0
