import functools

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rioxarray  # noqa: F401 - registers the accessor `rio`
import xarray as xr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.scenes.readers.registry import read_array

ROWS, COLUMNS = 5, 7
VALUES = np.arange(ROWS * COLUMNS, dtype=float).reshape(ROWS, COLUMNS)
CONTRADICTS = "its GeoTransform attribute contradicts its coordinates; the coordinates count"


def written(path, y=None, x=None, grid=None, crs="EPSG:32632", dims=("y", "x"), values=VALUES):
    """Coordinates of the centres, and a GeoTransform that need not agree with them."""
    coordinates = {d: v for d, v in zip(dims, (y, x), strict=True) if v is not None}
    dataset = xr.Dataset({"v": (dims, values, {"grid_mapping": "crs"})}, coordinates)
    attributes = dict(_mapping(crs))
    if grid is not None:
        attributes["GeoTransform"] = " ".join(map(str, Affine.to_gdal(grid)))
    dataset["crs"] = ((), 0, attributes)
    dataset.to_netcdf(path, engine="h5netcdf")
    return read_array(path, "v")


@functools.cache
def _mapping(crs):
    return xr.DataArray(0).rio.write_crs(crs).spatial_ref.attrs


def centres(first, step, count, dtype=np.float64):
    return (first + step * (np.arange(count) + 0.5)).astype(dtype)


@settings(max_examples=8, deadline=None)
@given(
    left=st.floats(-2e6, 2e6),
    top=st.floats(-9e6, 9e6),
    size=st.sampled_from([0.1, 1.0, 10.0, 1 / 3, 30.0]),
    ratio=st.sampled_from([1.0, -1.0, 2.0, -0.5]),
)
def test_coordinates_give_the_grid(tmp_path_factory, left, top, size, ratio):
    path = tmp_path_factory.mktemp("nc") / "a.nc"
    y, x = centres(top, size * ratio, ROWS), centres(left, size, COLUMNS)
    read = written(path, y, x)
    np.testing.assert_array_equal(read.values, VALUES)  # in the file's order
    expected = Affine(size, 0, left, 0, size * ratio, top)
    np.testing.assert_allclose(np.array(read.transform), np.array(expected), rtol=0, atol=1e-6)
    assert read.crs.to_epsg() == 32632
    assert not read.doubts


GRID = Affine(10, 0, 500_000, 0, -10, 5_400_000)
Y, X = centres(GRID.f, -10, ROWS), centres(GRID.c, 10, COLUMNS)


@pytest.mark.parametrize(
    ("attribute", "doubts"),
    [
        (GRID, ()),
        (Affine(10, 0, 500_000.005, 0, -10, 5_400_000), ()),  # half a thousandth of a pixel
        (Affine(10, 0, 500_000.05, 0, -10, 5_400_000), (CONTRADICTS,)),
        (Affine(5, 0, 500_000, 0, -5, 5_400_000), (CONTRADICTS,)),  # coarsened since
        (Affine(10, 0, 499_900, 0, -10, 5_400_200), (CONTRADICTS,)),  # cut out since
        (Affine(10, 0, 499_995, 0, -10, 5_400_005), (CONTRADICTS,)),  # of the centres
        (Affine(8, 6, 500_000, 6, -8, 5_400_000), (CONTRADICTS,)),  # turned
    ],
)
def test_coordinates_count_more_than_the_attribute(tmp_path, attribute, doubts):
    read = written(tmp_path / "a.nc", Y, X, attribute)
    np.testing.assert_allclose(np.array(read.transform), np.array(GRID))
    assert read.doubts == doubts


def test_the_attribute_of_the_image_turned_upside_down(tmp_path):
    read = written(tmp_path / "a.nc", Y[::-1], X, GRID)
    assert tuple(read.transform)[:6] == (10, 0, 500_000, 0, 10, 5_400_000 - 10 * ROWS)
    assert not read.doubts
    assert "upside down" in read.notes[0]


def test_without_coordinates_the_attribute_counts(tmp_path):
    assert written(tmp_path / "a.nc", grid=GRID).transform == GRID
    read = written(tmp_path / "b.nc", np.arange(ROWS), np.arange(COLUMNS), GRID)
    assert read.transform == GRID
    assert read.notes == ("its coordinates only count the pixels and are no places",)
    assert written(tmp_path / "c.nc").transform is None


@pytest.mark.parametrize("text", ["500000 10 0", "here", "0 0 0 0 0 0", "nan 1 0 0 0 1"])
def test_an_attribute_that_is_no_grid(tmp_path, text):
    dataset = xr.Dataset({"v": (("y", "x"), VALUES, {"grid_mapping": "m"})})
    dataset["m"] = ((), 0, {"GeoTransform": text})
    dataset.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    read = read_array(tmp_path / "a.nc", "v")
    assert read.transform is None
    assert read.doubts == ("its GeoTransform attribute is no six numbers of a grid",)


@pytest.mark.parametrize("top", [5_400_000.0, 9_100_003.3])
def test_single_precision_rounds_and_the_attribute_does_not(tmp_path, top):
    """A northing in single precision is off by a quarter of a metre."""
    grid = Affine(10, 0, 500_000.3, 0, -10, top)
    y, x = centres(top, -10, ROWS, np.float32), centres(grid.c, 10, COLUMNS, np.float32)
    read = written(tmp_path / "a.nc", y, x, grid)
    assert read.transform == grid
    assert not read.doubts
    for name, single in (("b", np.float32), ("c", np.float64)):  # and a copy in double precision
        read = written(tmp_path / f"{name}.nc", y.astype(single), x.astype(single))
        np.testing.assert_allclose(np.array(read.transform), np.array(grid), atol=0.6)
        assert not read.doubts
    shifted = Affine(10, 0, grid.c + 5, 0, -10, top)
    assert written(tmp_path / "d.nc", y, x, shifted).doubts == (CONTRADICTS,)


def uneven(kind):
    y = Y.copy()
    if kind == "one pixel moved":
        y[2] += 2
    elif kind == "growing":
        y = -(np.arange(ROWS) ** 1.2)
    elif kind == "gap":
        y[2:] -= 10
    elif kind == "constant":
        y[:] = 3
    elif kind == "missing":
        y[1] = np.nan
    elif kind == "across the date line":
        y = np.array([179.0, 179.5, -180, -179.5, -179])
    return y


@pytest.mark.parametrize(
    "kind", ["one pixel moved", "growing", "gap", "constant", "missing", "across the date line"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uneven_coordinates_give_no_place(tmp_path, kind, dtype):
    read = written(tmp_path / "a.nc", uneven(kind).astype(dtype), X, GRID)
    assert read.transform is None
    assert len(read.doubts) == 1
    assert "so that it has no place on a map" in read.doubts[0]


def test_rounded_digits_are_even(tmp_path):
    y = np.round(47 - 0.00027777 * np.arange(ROWS), 6)
    x = np.round(11 + 0.00027777 * np.arange(COLUMNS), 6)
    read = written(tmp_path / "a.nc", y, x, crs="EPSG:4326")
    assert read.transform.a == pytest.approx(0.00027777, rel=1e-2)
    assert not read.doubts


def test_a_single_row_takes_its_size_from_the_attribute(tmp_path):
    read = written(tmp_path / "a.nc", Y[:1], X, GRID, values=VALUES[:1])
    assert read.transform.almost_equals(GRID)
    assert not read.doubts
    read = written(tmp_path / "b.nc", Y[:1], X, values=VALUES[:1])
    assert read.transform is None
    assert "how large a pixel is" in read.doubts[0]


@pytest.mark.parametrize("names", [("lat", "lon"), ("r", "c")])
def test_degrees_without_a_system(tmp_path, names):
    coordinates = {
        names[0]: (names[0], 47 - 0.1 * np.arange(ROWS), {"units": "degrees_north"}),
        names[1]: (names[1], 11 + 0.1 * np.arange(COLUMNS), {"units": "degrees_east"}),
    }
    xr.Dataset({"v": (names, VALUES)}, coordinates).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    read = read_array(tmp_path / "a.nc", "v")
    assert read.crs.to_epsg() == 4326
    assert read.axes == ("y", "x")
    assert read.notes == ("its coordinates are degrees without a system, taken as EPSG:4326",)
    plain = {name: (dims, values) for name, (dims, values, _) in coordinates.items()}
    xr.Dataset({"v": (names, VALUES)}, plain).to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    by_name = read_array(tmp_path / "b.nc", "v")
    assert (by_name.crs is not None) == (names == ("lat", "lon")) == by_name.crs_is_assumed


def test_packed_coordinates_and_other_units(tmp_path):
    read = _with_units(tmp_path / "a.nc", "km")
    np.testing.assert_allclose(np.array(read.transform), np.array(GRID))
    assert read.notes == ("its coordinates in km are taken to metres",)
    read = _with_units(tmp_path / "b.nc", "rad")
    assert read.transform is None
    assert "its coordinates are in 'rad'" in read.doubts[0]


def _with_units(path, units):
    dataset = xr.Dataset(
        {"v": (("y", "x"), VALUES)},
        {"y": ("y", Y / 1000, {"units": units}), "x": ("x", X / 1000, {"units": units})},
    ).rio.write_crs("EPSG:32632")
    packing = {n: {"dtype": "int32", "scale_factor": 0.001} for n in ("y", "x")}
    dataset.to_netcdf(path, engine="h5netcdf", encoding=packing)
    return read_array(path, "v")


def test_counters_give_way_to_places_of_other_names(tmp_path):
    dims = ("row", "column")
    places = {
        "row": np.arange(ROWS),
        "column": np.arange(COLUMNS),
        "northing": ("row", Y, {"standard_name": "projection_y_coordinate"}),
        "easting": ("column", X, {"standard_name": "projection_x_coordinate"}),
    }
    xr.Dataset({"v": (dims, VALUES)}, places).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    np.testing.assert_allclose(np.array(read_array(tmp_path / "a.nc", "v").transform), GRID)


def test_columns_before_rows(tmp_path):
    read = written(tmp_path / "a.nc", X, Y, dims=("x", "y"), values=VALUES.T)
    assert read.axes == ("x", "y")
    np.testing.assert_allclose(np.array(read.transform), np.array(GRID))


def _gdal_writes_netcdf():
    with rasterio.Env() as environment:
        return "netCDF" in environment.drivers()


@pytest.mark.skipif(not _gdal_writes_netcdf(), reason="this GDAL has no NetCDF")
@pytest.mark.parametrize("bottom_up", ["YES", "NO"])
@pytest.mark.parametrize("grid", [GRID, Affine(0.1, 0, 11, 0, -0.1, 47)])
def test_what_gdal_writes_lies_where_gdal_says(tmp_path, bottom_up, grid):
    crs = "EPSG:32632" if grid == GRID else "EPSG:4326"
    profile = {"height": ROWS, "width": COLUMNS, "count": 1, "dtype": "float64"}
    with rasterio.open(tmp_path / "a.tif", "w", crs=crs, transform=grid, **profile) as file:
        file.write(VALUES, 1)
    rasterio.shutil.copy(
        tmp_path / "a.tif", tmp_path / "a.nc", driver="netCDF", WRITE_BOTTOMUP=bottom_up
    )
    read = read_array(tmp_path / "a.nc")
    values = VALUES[::-1] if bottom_up == "YES" else VALUES
    np.testing.assert_array_equal(read.values, values)
    step = -grid.e if bottom_up == "YES" else grid.e
    top = grid.f + ROWS * grid.e if bottom_up == "YES" else grid.f
    expected = Affine(grid.a, 0, grid.c, 0, step, top)
    np.testing.assert_allclose(np.array(read.transform), np.array(expected), atol=1e-9)
    assert read.crs == rasterio.crs.CRS.from_string(crs)
    assert not read.doubts


@pytest.mark.parametrize("first", [(0, 0), (12, 17), (0.5, 0.5), (12.5, 17.5)])
def test_counts_of_pixels_are_no_places(tmp_path, first):
    y, x = first[0] + np.arange(ROWS), first[1] + np.arange(COLUMNS)
    xr.Dataset({"v": (("y", "x"), VALUES)}, {"y": y, "x": x}).to_netcdf(tmp_path / "a.nc")
    read = read_array(tmp_path / "a.nc", "v")
    assert (read.crs, read.transform) == (None, None)
    assert read.notes == ("its coordinates only count the pixels and are no places",)


def test_steps_of_one_are_places_where_something_says_so(tmp_path):
    y, x = 5e6 - np.arange(ROWS), 5e5 + np.arange(COLUMNS)
    assert written(tmp_path / "a.nc", y, x).transform.c == 499999.5
    xr.Dataset({"v": (("y", "x"), VALUES)}, {"y": y, "x": x}).to_netcdf(tmp_path / "b.nc")
    assert read_array(tmp_path / "b.nc", "v").transform.c == 499999.5
    places = {"lat": 0.5 + np.arange(ROWS), "lon": 0.5 + np.arange(COLUMNS)}
    xr.Dataset({"v": (("lat", "lon"), VALUES)}, places).to_netcdf(tmp_path / "c.nc")
    assert read_array(tmp_path / "c.nc", "v").transform.c == 0


def test_an_identity_is_no_place(tmp_path):
    assert written(tmp_path / "a.nc", grid=Affine.identity()).transform is None


@pytest.mark.parametrize(("west", "expected"), [(350, -10), (180, -180), (170, 170)])
def test_longitudes_to_360_are_those_of_the_west(tmp_path, west, expected):
    y, x = centres(50, -1, ROWS), centres(west, 1, COLUMNS)
    read = written(tmp_path / "a.nc", y, x, crs="EPSG:4326")
    assert read.transform.c == expected


@pytest.mark.parametrize(
    ("down", "right", "said"),
    [(-1, 1, "upside down"), (1, -1, "left to right"), (-1, -1, "by half a turn")],
)
def test_the_transform_of_an_image_that_was_turned_later(tmp_path, down, right, said):
    grid = Affine(10, 0, 500000, 0, -10, 5400000)
    y, x = centres(grid.f, grid.e, ROWS)[::down], centres(grid.c, grid.a, COLUMNS)[::right]
    read = written(tmp_path / "a.nc", y, x, grid)
    assert (read.transform.e, read.transform.a) == (grid.e * down, grid.a * right)
    assert f"turned {said}; the coordinates count" in read.notes[0]
    assert not read.doubts
