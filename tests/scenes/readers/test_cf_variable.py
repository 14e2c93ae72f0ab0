"""A variable with CF's attributes is read the same, whatever format it comes from."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bdgf.scenes.readers.cf_variable import find_map, read_cf_variable
from bdgf.scenes.readers.netcdf_groups import Groups
from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.reading_limits import ReadingLimits, reading_limits

PATH = Path("any.file")
CUBE = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def groups(**more):
    attributes = {"scale_factor": 0.5, "_FillValue": np.int16(3), "units": "1"}
    inside = {
        "cube": xr.Variable(("band", "y", "x"), CUBE, attributes),
        "y": xr.Variable("y", [25.0, 15.0, 5.0]),
        "x": xr.Variable("x", [105.0, 115.0, 125.0, 135.0]),
        **more,
    }
    return Groups({"": inside})


def test_what_a_variable_says():
    array = read_cf_variable(PATH, groups(), find_map(PATH, groups(), None))
    np.testing.assert_array_equal(array.values, CUBE)
    assert array.axes == ("band", "y", "x")
    assert (array.scale, array.nodata, array.units) == ((0.5,), ((3.0,),), "1")
    assert tuple(array.transform)[:6] == (10, 0, 100, 0, -10, 30)


def test_a_window_of_it():
    with reading_limits(ReadingLimits(2**20, 60, (), (1, 3, 0, 2))):
        part = read_cf_variable(PATH, groups(), "cube")
    np.testing.assert_array_equal(part.values, CUBE.transpose(1, 2, 0)[1:3, :2])
    assert part.whole == (3, 4)


def test_fills_of_the_format_count_where_none_is_declared():
    plain = groups(cube=xr.Variable(("y", "x"), np.array([[1, -7], [3, 4]], np.int16)))
    assert read_cf_variable(PATH, plain, "cube").nodata == ((),)
    assert read_cf_variable(PATH, plain, "cube", {"i2": -7.0}).nodata == ((-7.0,),)


def test_what_is_no_image_is_refused():
    text = groups(names=xr.Variable("band", ["a", "b"]))
    with pytest.raises(VariableError, match="not an array of numbers"):
        read_cf_variable(PATH, text, "names")
    two = groups(other=xr.Variable(("y", "x"), np.ones((3, 4))))
    with pytest.raises(VariableError, match="holds 2 variables"):
        find_map(PATH, two, None)
    assert find_map(PATH, two, "other") == "other"
