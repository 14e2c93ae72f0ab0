"""Lengths and areas on the ground, beside what other programs give."""

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine

from bdgf.evaluation.ground import class_areas, length_text, metres_per_pixel, scale_bar_length

UTM = CRS.from_epsg(32632)
DEGREES = CRS.from_epsg(4326)
WEB_MERCATOR = CRS.from_epsg(3857)
NORTH = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0)
LOCAL = CRS.from_wkt('LOCAL_CS["site",UNIT["foot",0.3048]]')


def test_a_pixel_of_utm_is_as_large_as_it_says():
    across, down = metres_per_pixel((100, 80), UTM, NORTH)
    assert across == pytest.approx(10, rel=1e-3)  # the scale factor on the central meridian
    assert down == pytest.approx(10, rel=1e-3)


def test_a_pixel_of_degrees_is_narrow_in_the_north():
    grid = Affine(0.001, 0.0, 10.0, 0.0, -0.001, 60.0)
    across, down = metres_per_pixel((10, 10), DEGREES, grid)
    assert across == pytest.approx(55.8, rel=1e-2)  # cos(60) of a degree's thousandth
    assert down == pytest.approx(111.4, rel=1e-2)


def test_without_a_place_nothing_is_known():
    ids = np.ones((4, 4), np.uint8)
    for crs, transform in ((None, NORTH), (UTM, None), (None, None)):
        assert metres_per_pixel((4, 4), crs, transform) is None
        assert class_areas(ids, 1, crs, transform) is None


def test_a_local_system_in_feet_is_measured_in_its_plane():
    grid = Affine(10.0, 0.0, 0.0, 0.0, -10.0, 0.0)
    assert metres_per_pixel((4, 4), LOCAL, grid) == pytest.approx((3.048, 3.048))
    areas = class_areas(np.ones((4, 4), np.uint8), 1, LOCAL, grid)
    assert areas == pytest.approx([16 * 3.048**2 / 10_000])


def test_areas_of_utm_are_those_of_its_pixels():
    ids = np.zeros((100, 60), np.uint8)
    ids[:50], ids[50:80] = 1, 3
    areas = class_areas(ids, 3, UTM, NORTH)
    assert areas == pytest.approx([3000 * 0.01, 0, 1800 * 0.01], rel=2e-3)


def test_areas_do_not_depend_on_the_reference_system():
    """A square degree at 60 N, in degrees and in Web Mercator, which doubles lengths there."""
    from pyproj import Geod, Transformer

    ids = np.ones((64, 64), np.uint8)
    in_degrees = class_areas(ids, 1, DEGREES, Affine(1 / 64, 0, 10, 0, -1 / 64, 61))
    to_mercator = Transformer.from_crs(4326, 3857, always_xy=True)
    (left, right), (top, bottom) = to_mercator.transform([10, 11], [61, 60])
    grid = Affine((right - left) / 64, 0, left, 0, (bottom - top) / 64, top)
    in_mercator = class_areas(ids, 1, WEB_MERCATOR, grid)
    wanted, _ = Geod(ellps="WGS84").polygon_area_perimeter(
        [10, 11, *np.linspace(11, 10, 200)], [60, 60, *np.full(200, 61)]
    )
    assert in_degrees == pytest.approx([abs(wanted) / 10_000], rel=5e-3)
    assert in_mercator == pytest.approx(in_degrees, rel=5e-3)


@pytest.mark.parametrize(
    ("across", "length", "text"),
    [(480, 100, "100 m"), (8_000, 2_000, "2 km"), (21, 5, "5 m"), (2, 0.5, "50 cm")],
)
def test_scale_bars_have_round_lengths(across, length, text):
    assert scale_bar_length(across) == pytest.approx(length)
    assert length_text(scale_bar_length(across)) == text
