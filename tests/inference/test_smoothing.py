"""Smoothing along edges, beside a brute-force loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from bdgf.inference.smoothing import SmoothingSettings, smooth_probabilities


def make_maps(shape=(9, 8), classes=3, channels=2, seed=0, holes=0.2):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), shape).astype(np.float32)
    scene = rng.normal(size=(channels, *shape)).astype(np.float32)
    return np.moveaxis(probabilities, -1, 0), scene, rng.random(shape) >= holes


def brute_force(probabilities, scene, valid, sigma, contrast):
    found = probabilities.astype(np.float64)
    for r, c in np.argwhere(valid):
        total, weights = 0.0, 0.0
        for i, j in np.argwhere(valid):
            apart = (r - i) ** 2 + (c - j) ** 2
            if apart > (3 * sigma) ** 2:
                continue
            differs = ((scene[:, r, c].astype(float) - scene[:, i, j]) ** 2).mean()
            weight = np.exp(-apart / (2 * sigma**2) - differs / (2 * contrast**2))
            total, weights = total + weight * probabilities[:, i, j], weights + weight
        found[:, r, c] = total / weights
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 4),
    st.integers(1, 3),
    st.floats(0.3, 3),
    st.floats(0.2, 2),
    st.integers(0, 99),
)
def test_it_is_the_weighted_mean_of_the_surroundings(shape, classes, channels, sigma, contrast, n):
    maps = make_maps(shape, classes, channels, n)
    found = smooth_probabilities(*maps, SmoothingSettings(sigma=sigma, contrast=contrast))
    np.testing.assert_allclose(found, brute_force(*maps, sigma, contrast), atol=1e-5)


def test_where_all_pixels_look_alike_it_is_a_gaussian_filter():
    probabilities, scene, _ = make_maps((30, 30), holes=0)
    everywhere = np.ones((30, 30), bool)
    found = smooth_probabilities(probabilities, 0 * scene, everywhere, SmoothingSettings(sigma=1.5))
    wanted = np.stack([gaussian_filter(one, 1.5, truncate=3) for one in probabilities])
    # Here the surroundings are round, there they are square.
    np.testing.assert_allclose(found[:, 6:-6, 6:-6], wanted[:, 6:-6, 6:-6], atol=5e-3)


def test_it_does_not_cross_an_edge():
    scene = np.zeros((1, 10, 10), np.float32)
    scene[:, :, 5:] = 9
    probabilities = np.stack([scene[0] == 0, scene[0] != 0]).astype(np.float32)
    found = smooth_probabilities(
        probabilities, scene, np.ones((10, 10), bool), SmoothingSettings(sigma=3)
    )
    np.testing.assert_allclose(found, probabilities, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_pixels_without_data_stay_as_they_are(sigma):
    probabilities, scene, valid = make_maps()
    probabilities[:, ~valid] = 0
    scene[:, ~valid] = np.nan
    found = smooth_probabilities(probabilities, scene, valid, SmoothingSettings(sigma=sigma))
    assert (found[:, ~valid] == 0).all()
    np.testing.assert_allclose(found[:, valid].sum(0), 1, atol=1e-5)
    assert np.array_equal(found, probabilities) == (sigma == 0)
