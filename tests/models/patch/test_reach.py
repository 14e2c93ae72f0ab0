"""How far evidence reaches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from bdgf.models.patch.reach import distance_to, reach_of, reach_told
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
    assert "75 % of the map farther than 9 px" in told
