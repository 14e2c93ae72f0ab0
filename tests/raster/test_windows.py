"""Windows and the halo around them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.raster.windows import Window, blocks, round_up

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
