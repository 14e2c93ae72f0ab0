"""How far evidence reaches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from bdgf.models.patch.reach import distance_to, matched_weights, reach_of, reach_told
from bdgf.models.patch.sampling import Pixels


@given(st.integers(0, 2**31 - 1), st.integers(2, 12), st.integers(2, 12), st.floats(0.05, 0.9))
def test_the_distance_is_that_of_a_distance_transform(seed, height, width, share):
    rng = np.random.default_rng(seed)
    train = rng.random((height, width)) < share
    train[rng.integers(height), rng.integers(width)] = True
    rows, cols = np.nonzero(train)
    asked = np.indices((height, width)).reshape(2, -1)
    found = distance_to(Pixels(rows, cols, np.zeros_like(rows)), *asked)
    wanted = distance_transform_edt(~train)
    np.testing.assert_allclose(found.reshape(height, width), wanted)


def test_a_map_as_near_as_the_evidence_is_reached():
    held_out = np.arange(1.0, 101.0)
    near = reach_of(held_out, held_out / 2)
    assert (near.held_out, near.map, near.beyond) == (50.5, 25.25, 0)
    assert near.held_out_most == pytest.approx(95.05)


def test_a_map_far_from_the_training_pixels_lies_beyond():
    mapped = np.repeat([5.0, 80.0], [25, 75])
    far = reach_of(np.full(40, 9.0), mapped)
    assert (far.held_out, far.held_out_most, far.map, far.beyond) == (9, 9, 80, 0.75)
    told = reach_told(vars(far))
    assert "\n" not in told
    assert "75 % of the map lies farther from training pixels than 9 px" in told


def test_weighed_held_out_pixels_lie_as_far_away_as_the_map():
    rng = np.random.default_rng(0)
    held_out = rng.gamma(3, 5, 2000)
    mapped = rng.gamma(4, 5, 4000)
    weights = matched_weights(held_out, mapped)
    assert weights.mean() == pytest.approx(1)
    order = np.argsort(held_out)
    shares = np.cumsum(weights[order]) / len(weights)
    for share in (0.25, 0.5, 0.75):
        found = held_out[order][np.searchsorted(shares, share)]
        assert found == pytest.approx(np.quantile(mapped, share), rel=0.1)


def test_held_out_pixels_as_far_away_as_the_map_keep_their_weights():
    held_out = np.arange(1.0, 501.0)
    weights = matched_weights(held_out, held_out)
    np.testing.assert_allclose(weights[100:-100], 1, atol=0.1)


def test_a_map_beyond_the_evidence_is_told_of_by_the_farthest_pixels():
    held_out = np.array([2.0, 3.0, 30.0, 4.0, 40.0, 5.0, 35.0])
    weights = matched_weights(held_out, np.full(100, 90.0))
    assert weights.tolist() == pytest.approx([0, 0, 7 / 3, 0, 7 / 3, 0, 7 / 3])


@given(st.integers(0, 2**31 - 1), st.integers(1, 60), st.integers(1, 200))
def test_weights_depend_on_the_distances_alone(seed, count, mapped):
    rng = np.random.default_rng(seed)
    held_out = rng.integers(1, 9, count).astype(float)
    map_distances = rng.random(mapped) * 12
    weights = matched_weights(held_out, map_distances)
    assert (weights >= 0).all()
    assert weights.mean() == pytest.approx(1)
    turned = rng.permutation(count)
    np.testing.assert_allclose(matched_weights(held_out[turned], map_distances), weights[turned])
    for distance in np.unique(held_out):  # pixels of one distance count alike
        assert np.ptp(weights[held_out == distance]) == pytest.approx(0)
