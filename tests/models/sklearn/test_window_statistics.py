"""Window statistics against a loop over pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.models.sklearn.window_statistics import window_statistics


def by_loop(maps, valid, window):
    radius = window // 2
    mean, deviation = np.zeros(maps.shape), np.zeros(maps.shape)
    for row, col in np.ndindex(valid.shape):
        rows = slice(max(row - radius, 0), row + radius + 1)
        cols = slice(max(col - radius, 0), col + radius + 1)
        seen = maps[:, rows, cols][:, valid[rows, cols]].astype(np.float64)
        if seen.shape[1]:
            mean[:, row, col], deviation[:, row, col] = seen.mean(axis=1), seen.std(axis=1)
    return mean, deviation


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    height=st.integers(1, 14),
    width=st.integers(1, 14),
    window=st.sampled_from([1, 3, 5, 11]),
    share=st.sampled_from([0.0, 0.2, 0.8, 1.0]),
    offset=st.sampled_from([0.0, 1e3]),
)
def test_they_are_those_of_a_loop_over_valid_pixels(seed, height, width, window, share, offset):
    rng = np.random.default_rng(seed)
    maps = (rng.normal(size=(2, height, width)) + offset).astype(np.float32)
    valid = rng.random((height, width)) < share
    maps[:, ~valid] = np.nan  # never looked at
    mean, deviation = window_statistics(maps, valid, window)
    expected_mean, expected_deviation = by_loop(maps, valid, window)
    assert mean.dtype == deviation.dtype == np.float32
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(deviation, expected_deviation, atol=1e-5)


@pytest.mark.parametrize("window", [0, 4, -1])
def test_a_window_has_a_centre(window):
    with pytest.raises(ValueError, match="odd"):
        window_statistics(np.zeros((1, 3, 3), np.float32), np.ones((3, 3), bool), window)
