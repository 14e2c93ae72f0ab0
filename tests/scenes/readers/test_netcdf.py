import warnings

import h5py
import numpy as np
import pytest
import rioxarray  # noqa: F401 - registers the accessor `rio`
import xarray as xr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import netcdf_file

from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.registry import read_array
from tests.scenes.readers.declared import applied

CUBE = np.arange(24.0).reshape(2, 3, 4).astype(np.float32)
GRID = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)


# rioxarray still multiplies transforms as affine 2 did
@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_named_dimensions_settle_the_axes_and_the_georeference(tmp_path, engine):
    x, y = GRID.c + 10 * (np.arange(4) + 0.5), GRID.f - 10 * (np.arange(3) + 0.5)
    array = xr.DataArray(CUBE, dims=("band", "y", "x"), coords={"y": y, "x": x}, name="optical")
    scene = array.to_dataset().rio.write_crs("EPSG:32632").rio.write_transform(GRID)
    scene.to_netcdf(tmp_path / "scene.nc", engine=engine)
    read = read_array(tmp_path / "scene.nc", "optical")
    np.testing.assert_array_equal(read.values, CUBE)
    assert read.axes == ("band", "y", "x")
    assert read.crs.to_epsg() == 32632
    assert read.transform.almost_equals(GRID)
    assert not read.doubts


def test_numbers_stay_as_they_are_stored(tmp_path):
    array = xr.DataArray(CUBE[0].copy(), dims=("lat", "lon"), name="height")
    array[0, 0] = np.nan
    packing = {"height": {"dtype": "int16", "scale_factor": 0.5, "_FillValue": -1}}
    array.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding=packing)
    read = read_array(tmp_path / "a.nc")
    assert read.values.dtype == np.int16
    assert read.nodata == ((-1.0,),)
    assert read.scale == (0.5,)
    np.testing.assert_array_equal(applied(read), array.to_numpy())
    assert read.transform is None


def test_unknown_dimensions_stay_as_they_are(tmp_path):
    xr.DataArray(CUBE, dims=("a", "b", "c"), name="v").to_netcdf(tmp_path / "a.nc")
    read = read_array(tmp_path / "a.nc", "v")
    assert read.values.shape == CUBE.shape
    assert read.axes is None
    assert read.maybe_reversed  # MATLAB's nccreate reverses named dimensions too
    xr.DataArray(CUBE, name="v").to_netcdf(tmp_path / "b.nc")
    assert not read_array(tmp_path / "b.nc", "v").maybe_reversed  # xarray's dim_0, dim_1, dim_2


def test_plain_hdf5_under_this_name_has_no_names(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["group/v"] = CUBE
    read = read_array(tmp_path / "a.nc")
    assert read.axes is None
    assert read.maybe_reversed


def test_missing_variable(tmp_path):
    xr.DataArray(CUBE[0], dims=("y", "x"), name="height").to_netcdf(tmp_path / "a.nc")
    with pytest.raises(VariableError, match="did you mean 'height'"):
        read_array(tmp_path / "a.nc", "hight")
    xr.Dataset({"n": ("y", ["a"]), "v": 1.0}).to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    with pytest.raises(VariableError, match="'n' is not an array of numbers"):
        read_array(tmp_path / "b.nc", "n")


def write_groups(path, **groups):
    """Each group's dataset; `root` is the file's own, "__" separates groups."""
    for i, (name, dataset) in enumerate(groups.items()):
        group = None if name == "root" else name.replace("__", "/")
        dataset.to_netcdf(path, mode="a" if i else "w", group=group, engine="h5netcdf")


@pytest.fixture
def granule(tmp_path):
    """As EMIT lays out its granules."""
    dims = ("downtrack", "crosstrack", "bands")
    bands = {
        "wavelengths": ("bands", [400.0, 500.0, 600.0, 700.0]),
        "fwhm": ("bands", [8.0] * 4),
        "good_wavelengths": ("bands", [1.0, 0.0, 1.0, 1.0]),
    }
    places = {name: (dims[:2], np.ones((2, 3))) for name in ("lat", "lon")}
    write_groups(
        tmp_path / "granule.nc",
        root=xr.Dataset({"reflectance": (dims, CUBE, {"_FillValue": np.float32(-9999)})}),
        sensor_band_parameters=xr.Dataset(bands),
        location=xr.Dataset(places),
    )
    return tmp_path / "granule.nc"


def test_what_lies_in_groups_beside(granule):
    read = read_array(granule, "reflectance")
    assert read.axes == ("y", "x", "bands")
    assert read.wavelengths == (400, 500, 600, 700)
    assert read.bad_bands == {1}
    assert read.nodata == ((-9999.0,),)
    assert read.transform is None
    assert read.doubts == (
        "its places are given pixel by pixel (location/lat, location/lon), so that it has no place "
        "on a map; warp it onto a grid first",
    )


@pytest.mark.parametrize("variable", ["location/lat", "location.lat", "/location/lat"])
def test_variables_of_groups(granule, variable):
    assert read_array(granule, variable).values.shape == (2, 3)
    with pytest.raises(VariableError, match=r"did you mean 'location\.lat'"):
        read_array(granule, "lat")
    with pytest.raises(VariableError, match=r"reflectance 2x3x4"):
        read_array(granule)


def test_coordinates_of_the_groups_above(tmp_path):
    y, x = [5.0, 4.0, 3.0], [1.0, 2.0, 3.0, 4.0]
    write_groups(
        tmp_path / "a.nc",
        root=xr.Dataset(coords={"y": y, "x": x}),
        data__deep=xr.Dataset({"v": (("band", "y", "x"), CUBE)}),
    )
    read = read_array(tmp_path / "a.nc", "data.deep.v")
    assert tuple(read.transform)[:6] == (1, 0, 0.5, 0, -1, 5.5)


def test_coordinates_of_a_group_beside(tmp_path):
    grid = xr.Dataset(coords={"y": [5.0, 4.0, 3.0], "x": [1.0, 2.0, 3.0, 4.0]})
    image = xr.Dataset({"v": (("y", "x"), CUBE[0])})
    write_groups(tmp_path / "a.nc", root=xr.Dataset(), data=image, grid=grid)
    assert tuple(read_array(tmp_path / "a.nc").transform)[:6] == (1, 0, 0.5, 0, -1, 5.5)
    other = grid.assign_coords(y=[8.0, 7.0, 6.0])
    write_groups(tmp_path / "b.nc", root=xr.Dataset(), data=image, grid=grid, other=other)
    read = read_array(tmp_path / "b.nc")
    assert read.transform is None
    assert read.doubts == ("its place may be that of grid/y or of other/y",)


def test_one_time_is_left_out_and_several_are_not(tmp_path):
    dims = ("time", "y", "x")
    xr.DataArray(CUBE[:1], dims=dims, name="v").to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    read = read_array(tmp_path / "a.nc")
    assert read.axes == ("y", "x")
    np.testing.assert_array_equal(read.values, CUBE[0])
    assert read.notes == ("its axis 'time' of length 1 is left out of 1x3x4",)
    xr.DataArray(CUBE, dims=dims, name="v").to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    assert read_array(tmp_path / "b.nc").axes == ("time", "y", "x")


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_names_of_bands(tmp_path, engine):
    array = xr.DataArray(CUBE, dims=("band", "y", "x"), coords={"band": ["B02", "B03"]}, name="v")
    array.to_netcdf(tmp_path / "a.nc", engine=engine)
    assert read_array(tmp_path / "a.nc", "v").band_names == ("B02", "B03")


@pytest.mark.parametrize(
    ("dtype", "fill"), [("f4", 9.969209968386869e36), ("f8", 9.969209968386869e36), ("i2", -32767)]
)
def test_netcdfs_own_fill_value(tmp_path, dtype, fill):
    values = CUBE[0].astype(dtype)
    values[1, 2] = fill
    with netcdf_file(tmp_path / "a.nc", "w") as file:
        for name, size in zip("yx", values.shape, strict=True):
            file.createDimension(name, size)
        file.createVariable("v", dtype, ("y", "x"))[:] = values
    read = read_array(tmp_path / "a.nc")
    assert np.isnan(applied(read)[1, 2])
    assert len(read.notes) == 1


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
@settings(max_examples=15, deadline=None)
@given(
    dtype=st.sampled_from(["i1", "i2", "i4", "f4", "f8"]),
    unsigned=st.booleans(),
    scale=st.sampled_from([None, 0.5, 1e-4, 3.0]),
    offset=st.sampled_from([None, -0.1, 200.0]),
    fill=st.sampled_from([None, -1, 100, np.nan]),
    seed=st.integers(0, 5),
)
def test_packed_values_are_those_of_cf(
    tmp_path_factory, engine, dtype, unsigned, scale, offset, fill, seed
):
    """Against xarray's own decoding.

    It compares fill values of 32 bits in single precision, where neighbours are one; so only small
    numbers are compared here.
    """
    unsigned = unsigned and dtype != "i4"
    path = tmp_path_factory.mktemp("nc") / "a.nc"
    random = np.random.default_rng(seed)
    stored = random.integers(-128, 128, (3, 4, 2)).astype(dtype)
    is_whole = stored.dtype.kind == "i"
    attributes = {"scale_factor": scale, "add_offset": offset}
    attributes["_Unsigned"] = "true" if unsigned and is_whole else None
    if fill is not None and not (is_whole and np.isnan(fill)):
        attributes["_FillValue"] = stored.dtype.type(fill)
        stored[0, 0] = stored.dtype.type(fill)
    attributes = {name: value for name, value in attributes.items() if value is not None}
    _write_raw(path, engine, stored, attributes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with xr.open_dataset(path, engine=engine) as dataset:
            truth = dataset["v"].to_numpy().astype(np.float64)
            accuracy = 1e-5 if dataset["v"].dtype == np.float32 else 1e-12
    read = read_array(path, "v")
    assert read.values.tobytes() == stored.astype(read.values.dtype.byteorder + dtype).tobytes()
    np.testing.assert_allclose(applied(read), truth, rtol=accuracy, atol=accuracy)


def _write_raw(path, engine, stored, attributes):
    """The bytes and the attributes as given, without xarray's packing."""
    dims = dict(zip(("y", "x", "band"), stored.shape, strict=True))
    if engine == "scipy":
        with netcdf_file(path, "w") as file:
            for name, size in dims.items():
                file.createDimension(name, size)
            variable = file.createVariable("v", stored.dtype, tuple(dims))
            variable[:] = stored
            for name, value in attributes.items():
                setattr(variable, name, value)
        return
    with h5py.File(path, "w") as file:
        variable = file.create_dataset("v", data=stored)
        variable.attrs.update(attributes)
        for i, (name, size) in enumerate(dims.items()):
            file.create_dataset(name, data=np.arange(size)).make_scale(name)
            variable.dims[i].attach_scale(file[name])
