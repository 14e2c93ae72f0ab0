import warnings

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.errors import NotGeoreferencedWarning
from rasterio.rpc import RPC

from bdgf.scenes.readers.registry import read_array
from tests.data.raw_rasters import write_envi, write_tif

CUBE = np.arange(60, dtype=np.int16).reshape(4, 5, 3)
GRID = Affine(10, 0, 5e5, 0, -10, 5.4e6)


TURNED = Affine(8.66, 5, 5e5, 5, -8.66, 5.4e6)
UP = Affine(10, 0, 5e5, 0, 10, 5.4e6)


def _at(grid, column, row):
    return grid.a * column + grid.b * row + grid.c, grid.d * column + grid.e * row + grid.f


def _points(grid, places, shift=()):
    points = []
    for i, (row, column) in enumerate(places):
        x, y = _at(grid, column + (shift[i] if i < len(shift) else 0), row)
        points.append(GroundControlPoint(row, column, x, y, 0.0))
    return points


CORNERS = [(0, 0), (0, 5), (4, 0), (4, 5), (2, 3)]


@pytest.mark.parametrize("grid", [GRID, TURNED, UP])
def test_transforms_are_kept(tmp_path, grid):
    write_tif(tmp_path / "a.tif", CUBE, crs="EPSG:32632", transform=grid)
    read = read_array(tmp_path / "a.tif")
    assert read.transform.almost_equals(grid)
    assert read.crs.to_epsg() == 32632
    assert not read.doubts


@pytest.mark.parametrize("grid", [GRID, TURNED])
def test_control_points_on_a_straight_grid(tmp_path, grid):
    points = _points(grid, CORNERS, shift=(0.1,))
    write_tif(tmp_path / "a.tif", CUBE, crs="EPSG:32632", gcps=points)
    read = read_array(tmp_path / "a.tif")
    assert read.crs.to_epsg() == 32632
    for row, column in CORNERS:
        found = np.subtract(_at(read.transform, column, row), _at(grid, column, row))
        assert np.hypot(*found) < 2  # metres, of pixels of 10 m
    assert any("5 ground control points" in note for note in read.notes)
    assert not read.doubts


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (_points(GRID, CORNERS, shift=(3,)), "misses by up to"),
        (_points(GRID, [(0, 0), (1, 1), (2, 2)]), "do not span the image"),
        (_points(Affine.scale(0.0), CORNERS), "control points"),
    ],
)
def test_control_points_that_no_straight_map_meets(tmp_path, points, message):
    write_tif(tmp_path / "a.tif", CUBE, crs="EPSG:32632", gcps=points)
    read = read_array(tmp_path / "a.tif")
    assert read.crs is None
    assert read.transform is None
    (doubt,) = read.doubts
    assert "ground control points (GCPs)" in doubt
    assert message in doubt
    assert "warp it first" in doubt


def test_rational_polynomials(tmp_path):
    numbers = {"height_off": 0, "height_scale": 1, "lat_off": 48, "lat_scale": 1, "line_off": 0}
    numbers |= {"line_scale": 1, "long_off": 11, "long_scale": 1, "samp_off": 0, "samp_scale": 1}
    names = ("line_num_coeff", "line_den_coeff", "samp_num_coeff", "samp_den_coeff")
    rpcs = RPC(**numbers, **{name: [1.0] * 20 for name in names})
    write_tif(tmp_path / "a.tif", CUBE, rpcs=rpcs)
    read = read_array(tmp_path / "a.tif")
    assert read.transform is None
    assert "RPC" in read.doubts[0]


def test_world_file(tmp_path):
    write_tif(tmp_path / "a.png", CUBE.astype(np.uint8), driver="PNG")
    (tmp_path / "a.pgw").write_text("10\n0\n0\n-10\n500005\n5399995\n")
    assert read_array(tmp_path / "a.png").transform == GRID


def test_arbitrary_map_info_is_no_place(tmp_path):
    fields = "map info = {Arbitrary, 1, 1, 0, 0, 1, 1, 0, North}\n"
    read = read_array(write_envi(tmp_path / "a.img", CUBE, fields))
    assert (read.crs, read.transform) == (None, None)


def test_envi_map_info(tmp_path):
    fields = "map info = {UTM, 1, 1, 500000, 5400000, 10, 10, 32, North, WGS-84}\n"
    read = read_array(write_envi(tmp_path / "a.img", CUBE, fields))
    assert read.transform.almost_equals(GRID)
    assert read.crs.to_epsg() == 32632


def test_geolocation_arrays(tmp_path):
    write_tif(tmp_path / "a.tif", CUBE)
    with (
        warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
        rasterio.open(tmp_path / "a.tif", "r+") as file,
    ):
        file.update_tags(ns="GEOLOCATION", X_DATASET="lon.tif", Y_DATASET="lat.tif")
    assert "geolocation arrays" in read_array(tmp_path / "a.tif").doubts[0]
