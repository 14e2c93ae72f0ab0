import numpy as np
import pytest
import rioxarray  # noqa: F401 - registers the accessor `rio`
import xarray as xr

from bdgf.scenes.readers.attribute_values import Remarks
from bdgf.scenes.readers.netcdf_crs import grid_mapping, read_crs, read_geotransform
from bdgf.scenes.readers.netcdf_groups import Groups

MAPPING = xr.DataArray(0).rio.write_crs("EPSG:32632").spatial_ref.attrs
CF_ALONE = {k: v for k, v in MAPPING.items() if k not in ("crs_wkt", "spatial_ref")}


def groups(name, attributes, group=""):
    variable = xr.Variable(("y", "x"), np.zeros((2, 2)), attributes)
    return variable, Groups({"": {name: xr.Variable((), 0, MAPPING)}, group: {"v": variable}})


@pytest.mark.parametrize("kept", [{"crs_wkt"}, {"spatial_ref"}, set(CF_ALONE), set(MAPPING)])
def test_every_form_of_a_grid_mapping(kept):
    remarks = Remarks()
    crs = read_crs({k: v for k, v in MAPPING.items() if k in kept}, remarks)
    assert crs.is_projected
    assert crs.to_dict()["proj"] in ("utm", "tmerc")
    assert not remarks.doubts


@pytest.mark.parametrize("attributes", [{"spatial_ref": "???"}, {"grid_mapping_name": "flat"}])
def test_what_is_no_system_is_a_doubt(attributes):
    remarks = Remarks()
    assert read_crs(attributes, remarks) is None
    assert "its coordinate reference system is not understood" in remarks.doubts[0]


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("m", {"grid_mapping": "m"}),
        ("m", {"grid_mapping": "m: x y"}),
        ("m", {"coordinates": "lat lon m"}),  # as xarray keeps it in arithmetic
        ("spatial_ref", {}),
    ],
)
def test_where_the_grid_mapping_is_named(name, attributes):
    variable, found = groups(name, attributes, "a/b")
    assert grid_mapping(found, "a/b", variable) == MAPPING


def test_no_grid_mapping():
    variable, found = groups("m", {"coordinates": "lat lon"})
    assert grid_mapping(found, "", variable) is None


def test_geotransform_of_numbers():
    remarks = Remarks()
    found = read_geotransform({"GeoTransform": [5.0, 1, 0, 7, 0, -1]}, remarks)
    assert tuple(found)[:6] == (1, 0, 5, 0, -1, 7)
    assert read_geotransform({}, remarks) is None
    assert remarks == Remarks()
