"""Leakage against a loop over the test pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdgf.evaluation.leakage import leakage


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
