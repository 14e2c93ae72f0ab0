"""Prediction sets: what they hold, and how they are scored."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdgf.evaluation.prediction_sets import SetRule, measure_sets, set_members, set_size_map
from bdgf.scenes.classes import ClassTable

CLASSES = ClassTable.of(["water", "trees", "road"])
THREE = np.array([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25], [0.1, 0.1, 0.8], [0.34, 0.33, 0.33]])


@given(seed=st.integers(0, 99), threshold=st.floats(0, 1), less=st.floats(0, 1))
def test_sets_hold_the_most_probable_class_and_grow_as_the_threshold_falls(seed, threshold, less):
    shares = np.random.default_rng(seed).dirichlet((1, 1, 1, 1), (5, 6)).transpose(2, 0, 1)
    members = set_members(shares, threshold)
    assert np.take_along_axis(members, shares.argmax(0)[None], 0).all()
    assert (members <= set_members(shares, threshold * less)).all()
    np.testing.assert_array_equal(set_members(shares, 0).sum(0), 4)
    np.testing.assert_array_equal(set_members(shares, 1.1).sum(0), 1)


def test_a_map_has_sizes_where_there_is_data():
    shares = THREE.T.reshape(3, 2, 2)
    valid = np.array([[True, True], [False, True]])
    sizes = set_size_map(shares, valid, 0.3)
    assert sizes.dtype == np.uint8
    assert sizes.tolist() == [[1, 2], [0, 3]]


def test_coverage_and_sizes_are_those_of_the_test_pixels():
    rule = SetRule(0.9, 0.3, 50, 12, ("inference.hide",))
    told = measure_sets(THREE, np.array([2, 2, 3, 3], np.uint8), CLASSES, rule)
    assert told["coverage_measured"] == 0.75
    assert told["mean_size"] == pytest.approx(7 / 4)
    assert told["by_class"] == {
        "water": {"coverage": None, "mean_size": None, "pixels": 0},
        "trees": {"coverage": 0.5, "mean_size": 1.5, "pixels": 2},
        "road": {"coverage": 1.0, "mean_size": 2.0, "pixels": 2},
    }
    assert SetRule.of(json.loads(json.dumps(told))) == rule
