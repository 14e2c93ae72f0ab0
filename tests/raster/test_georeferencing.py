"""Where a raster lies, before and after a file."""

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from rasterio.crs import CRS

from bdgf.raster.georeferencing import georeference, with_georeference

PLACE = Affine(10.0, 0.0, 600_000.0, 0.0, -10.0, 5_100_000.0)


def array() -> xr.DataArray:
    return xr.DataArray(np.zeros((3, 4)), dims=("y", "x"), name="map")


@pytest.mark.parametrize("make", [array, lambda: array().to_dataset()], ids=["array", "dataset"])
@pytest.mark.parametrize("crs", [None, "EPSG:32632"])
@pytest.mark.parametrize("transform", [None, PLACE])
def test_what_is_given_comes_back(make, crs, transform):
    found = georeference(with_georeference(make(), crs, transform))
    assert found == (CRS.from_string(crs) if crs else None, transform)


def test_pixels_have_the_coordinates_of_their_centres():
    placed = with_georeference(array(), None, PLACE)
    np.testing.assert_allclose(placed["x"], [600_005, 600_015, 600_025, 600_035])
    np.testing.assert_allclose(placed["y"], [5_099_995, 5_099_985, 5_099_975])


def test_a_rotated_grid_has_no_coordinates_of_rows_and_columns():
    turned = Affine.translation(5, 7) @ Affine.rotation(30)
    placed = with_georeference(array(), None, turned)
    assert not {"x", "y"} & set(placed.coords)
    found = georeference(placed)[1]
    assert found.almost_equals(turned)


def test_a_scene_without_a_place_stays_as_it_is():
    scene = array()
    assert with_georeference(scene, None, None) is scene
    assert georeference(scene) == (None, None)


def test_a_reference_that_a_reader_left_among_the_variables_is_found():
    placed = with_georeference(array().to_dataset(), "EPSG:32632", PLACE)
    undecoded = placed.reset_coords("spatial_ref")
    assert "spatial_ref" in undecoded.data_vars
    assert georeference(undecoded) == georeference(placed)


def test_a_part_of_a_scene_keeps_the_place_of_its_pixels():
    placed = with_georeference(array(), "EPSG:32632", PLACE)
    part = placed.isel(y=slice(1, 3))
    np.testing.assert_allclose(part["y"], placed["y"][1:])


def test_a_large_scene_is_not_copied() -> None:
    values = np.zeros((3, 4, 2), np.float32)
    scene = xr.Dataset({"a": (("y", "x", "band"), values, {"units": "m"})}, attrs={"scene": "one"})
    placed = with_georeference(scene, "EPSG:32632", Affine(10, 0, 0, 0, -10, 0))
    assert np.shares_memory(placed["a"].to_numpy(), values)
    assert placed["a"].encoding["grid_mapping"] == "spatial_ref"
    assert placed["a"].attrs == {"units": "m"}
    assert placed.attrs == {"scene": "one"}
    assert "grid_mapping" not in scene["a"].encoding
