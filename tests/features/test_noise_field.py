import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.features.noise_field import NoiseField

edges = st.tuples(st.integers(0, 150), st.integers(1, 60))


@given(rows=edges, columns=edges)
@settings(max_examples=20, deadline=None)
def test_every_region_is_cut_from_one_field(rows, columns):
    field = NoiseField(2, seed=5)
    whole = field.region(slice(0, 210), slice(0, 210))
    rows, columns = slice(rows[0], sum(rows)), slice(columns[0], sum(columns))
    assert np.array_equal(field.region(rows, columns), whole[:, rows, columns])


def test_the_field_is_standard_normal_and_follows_its_seed():
    one, other = (NoiseField(3, seed).region(slice(0, 200), slice(0, 200)) for seed in (0, 1))
    assert abs(one.mean()) < 0.01
    assert abs(one.std() - 1) < 0.01
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02
