import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.raster.blocks import calibration_regions, cut, tile_side

sizes = st.integers(1, 100)


@given(rows=sizes, columns=sizes, tiles=st.integers(1, 5), halo=st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_tiles_cover_the_scene_once_on_the_window_grid(rows, columns, tiles, halo):
    window = 8
    covered = np.zeros((rows, columns), int)
    for tile in cut((rows, columns), tiles * window, halo, window):
        covered[tile.rows, tile.columns] += 1
        for part, region in ((tile.rows, tile.region_rows), (tile.columns, tile.region_columns)):
            assert region.start % window == region.stop % window == 0
            assert region.start == 0 or part.start - region.start >= halo
            assert region.stop >= part.stop
        inside = tile.inside(1)
        assert inside[0].start * 2 == tile.rows.start - tile.region_rows.start
        assert inside[0].stop == -(-(tile.rows.stop - tile.region_rows.start) // 2)
    assert (covered == 1).all()


def test_a_scene_that_does_not_fit_is_cut():
    assert tile_side("auto", (50, 70), 8, pixels=60**2, largest=24) == 24
    assert tile_side("auto", (50, 70), 8, pixels=1e9, largest=24) == 72
    assert tile_side(20, (50, 70), 8, pixels=1, largest=8) == 24
    assert tile_side(2000, (50, 70), 8, pixels=1, largest=8) == 72


@given(rows=sizes, columns=sizes, pixels=st.integers(1, 8000))
@settings(max_examples=60, deadline=None)
def test_calibration_regions_are_alike_and_within_the_budget(rows, columns, pixels):
    regions = calibration_regions((rows, columns), 8, pixels)
    areas = {(r.stop - r.start, c.stop - c.start) for r, c in regions}
    assert len(areas) == 1
    height, width = areas.pop()
    assert height % 8 == width % 8 == 0
    assert len({(r.start, c.start) for r, c in regions}) == len(regions)
    assert len(regions) * height * width <= max(pixels, 64)
    assert all(r.start < rows and c.start < columns for r, c in regions)
    if pixels >= 104 * 104:
        assert len(regions) == 1
