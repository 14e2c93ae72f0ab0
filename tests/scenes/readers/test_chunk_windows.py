"""Windows of variables in HDF5 and NetCDF 4 files are those of the whole."""

import dataclasses

import h5py
import numpy as np
import pytest
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.axes import as_rows_columns_bands, with_named_axes
from bdgf.scenes.readers import chunk_windows
from bdgf.scenes.readers.raw_array import WindowsError
from bdgf.scenes.readers.reading_limits import ReadingLimits, reading_limits
from bdgf.scenes.readers.registry import read_array
from tests.scenes.ingest.raw_arrays import image

SHAPE = {"time": 1, "band": 3, "y": 20, "x": 30}
RNG = np.random.default_rng(0)
WINDOWS = ((0, 1, 0, 1), (3, 17, 5, 30), (0, 20, 0, 30), (19, 20, 29, 30))
PLENTY = 2**30


def netcdf(path, dims, dtype="i2", engine="h5netcdf", chunks=None, **attributes):
    values = RNG.integers(0, 9000, [SHAPE[d] for d in dims]).astype(dtype)
    coordinates = {
        "y": ("y", 5e6 - 10 * np.arange(20.0), {"standard_name": "projection_y_coordinate"}),
        "x": ("x", 5e5 + 10 * np.arange(30.0), {"standard_name": "projection_x_coordinate"}),
    }
    dataset = xr.Dataset({"cube": (dims, values, attributes)}, coordinates)
    encoding = {"cube": {"chunksizes": chunks} if chunks else {}}
    dataset.to_netcdf(path, engine=engine, encoding=encoding)
    return path


def read(path, window=None, most=PLENTY):
    with reading_limits(ReadingLimits(most, 60, (path.parent,), window)):
        return read_array(path)


def settled(array):
    found = with_named_axes(dataclasses.replace(image(array)[0], arrays=(array,))).arrays[0]
    return as_rows_columns_bands(found, found.axes)


def assert_windows_of_the_whole(path):
    whole = settled(read(path))
    for window in WINDOWS:
        part = read(path, window)
        rows, columns = slice(*window[:2]), slice(*window[2:])
        np.testing.assert_array_equal(part.values, whole.values[rows, columns])
        assert part.whole == whole.values.shape[:2]
        told = dict.fromkeys(("values", "whole", "masked", "notes", "nodata"))
        assert dataclasses.replace(part, **told) == dataclasses.replace(whole, **told)


@pytest.mark.parametrize(
    "dims", [("y", "x", "band"), ("band", "y", "x"), ("y", "x"), ("time", "band", "x", "y")]
)
@pytest.mark.parametrize("chunked", [False, True])
def test_any_order_of_axes(tmp_path, dims, chunked):
    chunks = tuple(min(SHAPE[d], 7) for d in dims) if chunked else None
    assert_windows_of_the_whole(netcdf(tmp_path / "cube.nc", dims, chunks=chunks))


@pytest.mark.parametrize(
    "attributes",
    [
        {"scale_factor": 1e-4, "_FillValue": np.int16(17)},
        {"_Unsigned": "true", "valid_range": np.array([0, 8000], np.int16)},
        # What a number means is told by others: a window of few must not tell it otherwise.
        {"scale_factor": 0.5, "valid_max": np.int32(100)},
        {"scale_factor": 1e4, "units": "reflectance"},
    ],
)
def test_what_the_numbers_mean_is_that_of_the_whole(tmp_path, attributes):
    assert_windows_of_the_whole(netcdf(tmp_path / "cube.nc", ("y", "x", "band"), **attributes))


def test_whole_numbers_on_the_window_are_not_whole_numbers_everywhere(tmp_path):
    path = tmp_path / "cube.h5"
    values = np.rint(RNG.random((20, 30)) * 90).astype(np.float32)
    values[::2, ::2] += 0.5
    with h5py.File(path, "w") as file:
        file["cube"] = values
        for i, name in enumerate(("y", "x")):
            file["cube"].dims[i].label = name
        file["cube"].attrs["Scale_Factor"] = 100.0
    assert read(path, (1, 2, 1, 2)).scale == read(path).scale == (100.0,)


@pytest.mark.parametrize("order", [("band", "y", "x"), ("y", "x", "band")])
def test_hdf5_with_named_axes(tmp_path, order):
    path = tmp_path / "cube.h5"
    with h5py.File(path, "w") as file:
        sizes = [SHAPE[name] for name in order]
        data = RNG.integers(0, 99, sizes).astype(np.uint16)
        cube = file.create_dataset("data/cube", data=data, chunks=tuple(min(s, 8) for s in sizes))
        for i, name in enumerate(order):
            cube.dims[i].label = name
    assert_windows_of_the_whole(path)


def test_a_file_that_is_more_than_the_limit_is_read_in_windows(tmp_path):
    path = netcdf(tmp_path / "cube.nc", ("band", "y", "x"), chunks=(1, 5, 5))  # 3,600 bytes
    with pytest.raises(SceneError, match="more than the limit"):
        read(path, most=1000)
    assert read(path, (2, 8, 3, 9), most=1000).values.shape == (6, 6, 3)
    with pytest.raises(SceneError, match="more than the limit"):
        read(path, (0, 20, 0, 30), most=1000)
    single = netcdf(tmp_path / "one.nc", ("band", "y", "x"), chunks=(3, 20, 30))
    with pytest.raises(SceneError, match=r"a chunk of .* more than the limit"):
        read(single, (2, 8, 3, 9), most=1000)


def test_only_what_is_under_the_window_is_read(tmp_path, monkeypatch):
    path = tmp_path / "cube.h5"
    with h5py.File(path, "w") as file:
        file["cube"] = np.zeros((20, 30, 3), np.float32)
        for i, name in enumerate(("y", "x", "band")):
            file["cube"].dims[i].label = name
    parts = []
    plain = chunk_windows.StoredNumbers.__getitem__

    def counted(self, part):
        parts.append(part)
        return plain(self, part)

    monkeypatch.setattr(chunk_windows.StoredNumbers, "__getitem__", counted)
    read(path, (2, 8, 3, 9))
    assert parts == [(slice(2, 8), slice(3, 9), slice(0, 3))]


def test_what_can_only_be_read_whole_says_so(tmp_path, monkeypatch):
    version3 = netcdf(tmp_path / "three.nc", ("y", "x"), engine="scipy")
    unnamed = tmp_path / "plain.h5"
    with h5py.File(unnamed, "w") as file:
        file["cube"] = np.zeros((20, 30, 3))
    cells = netcdf(tmp_path / "cells.nc", ("y", "x"), chunks=(20, 30))
    monkeypatch.setattr(chunk_windows, "_LARGEST_CHUNK", 500)
    for path in (version3, unnamed, cells):
        with pytest.raises(WindowsError, match=path.name):
            read(path, (0, 1, 0, 1))
        assert read(path).values.size
