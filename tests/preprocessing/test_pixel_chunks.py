"""Pixels in chunks of rows: all of them, once, in order."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bdgf.preprocessing import pixel_chunks as module
from bdgf.preprocessing.pixel_chunks import pixel_chunks, rows_at_once


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(height=st.integers(1, 12), width=st.integers(1, 9), most=st.integers(1, 80))
def test_chunks_hold_every_valid_pixel_once(
    monkeypatch: pytest.MonkeyPatch, height: int, width: int, most: int
) -> None:
    monkeypatch.setattr(module, "_CHUNK_VALUES", most)
    rng = np.random.default_rng([height, width])
    values, mask = rng.random((height, width, 3)), rng.random((height, width)) < 0.6
    chunks = list(pixel_chunks(xr.DataArray(values, dims=("y", "x", "band")), mask))
    assert [row for rows, _ in chunks for row in range(height)[rows]] == list(range(height))
    np.testing.assert_array_equal(np.concatenate([pixels for _, pixels in chunks]), values[mask])
    assert all((rows.stop - rows.start) <= rows_at_once(width, 3) for rows, _ in chunks)
    assert all(pixels.dtype == np.float64 for _, pixels in chunks)


def test_at_least_one_row_is_held() -> None:
    assert rows_at_once(10**9, 400) == 1
