"""Windows and the halo around them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.raster.windows import Window, blocks, round_up, row_bands, rows_within

shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))


@settings(deadline=None)
@given(shape=shapes, side=st.integers(1, 50))
def test_blocks_cover_every_pixel_once(shape, side):
    seen = np.zeros(shape, int)
    for block in blocks(shape, side):
        assert max(block.shape) <= side
        seen[block.index] += 1
    assert (seen == 1).all()


@settings(deadline=None)
@given(shape=shapes, side=st.integers(1, 20), reach=st.integers(0, 15))
def test_a_grown_window_holds_all_within_reach_and_nothing_outside_the_raster(shape, side, reach):
    raster = np.arange(shape[0] * shape[1]).reshape(shape)
    for block in blocks(shape, side):
        outer = block.grown(reach, shape)
        np.testing.assert_array_equal(
            raster[outer.index][block.within(outer).index], raster[block.index]
        )
        for part, wide, length in zip(block.index, outer.index, shape, strict=True):
            assert wide.start == max(part.start - reach, 0)
            assert wide.stop == min(part.stop + reach, length)


def test_the_whole_of_a_raster_is_its_own_surroundings():
    whole = Window.of_shape((7, 9))
    assert whole.shape == (7, 9)
    assert whole.grown(5, (7, 9)) == whole


@settings(deadline=None)
@given(value=st.integers(0, 1000), multiple=st.integers(1, 50))
def test_rounding_up(value, multiple):
    found = round_up(value, multiple)
    assert found % multiple == 0
    assert value <= found < value + multiple


@given(height=st.integers(1, 300), rows=st.integers(1, 320))
def test_bands_of_rows_follow_one_another(height: int, rows: int) -> None:
    bands = list(row_bands(height, rows))
    assert [row for band in bands for row in range(band.start, band.stop)] == list(range(height))
    assert all(band.stop - band.start == rows for band in bands[:-1])


@given(values=st.integers(1, 10**6), most=st.integers(1, 10**7))
def test_a_band_of_rows_holds_what_it_may(values: int, most: int) -> None:
    rows = rows_within(values, most)
    assert rows >= 1
    assert rows == 1 or rows * values <= most
    assert rows < 64 or rows % 64 == 0
