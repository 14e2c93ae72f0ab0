import numpy as np
import pytest
import rioxarray  # noqa: F401 - registers the accessor `rio`
import xarray as xr
from affine import Affine

from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.registry import read_array

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
    np.testing.assert_array_equal(read.values, CUBE.transpose(1, 2, 0))
    assert read.oriented
    assert read.crs.to_epsg() == 32632
    assert read.transform.almost_equals(GRID)


def test_fill_values_become_nan_and_packed_values_are_unpacked(tmp_path):
    array = xr.DataArray(CUBE[0], dims=("lat", "lon"), name="height")
    array[0, 0] = np.nan
    packing = {"height": {"dtype": "int16", "scale_factor": 0.5, "_FillValue": -1}}
    array.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding=packing)
    read = read_array(tmp_path / "a.nc")
    np.testing.assert_array_equal(read.values, array.to_numpy())
    assert read.transform is None


def test_unknown_dimensions_stay_as_they_are(tmp_path):
    xr.DataArray(CUBE, dims=("a", "b", "c"), name="v").to_netcdf(tmp_path / "a.nc")
    read = read_array(tmp_path / "a.nc", "v")
    assert read.values.shape == CUBE.shape
    assert not read.oriented


def test_missing_variable(tmp_path):
    xr.DataArray(CUBE[0], dims=("y", "x"), name="height").to_netcdf(tmp_path / "a.nc")
    with pytest.raises(VariableError, match="did you mean 'height'"):
        read_array(tmp_path / "a.nc", "hight")
