"""Maps as GeoTIFF."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rasterio.transform import Affine

from bdgf.datasets.raster_map import RasterMapDataset
from bdgf.framework.hooks.artifacts import saved_files
from bdgf.raster.georeferencing import georeference, with_georeference
from tests.datasets.small_versions import at


def test_a_map_keeps_values_attributes_colours_and_place(tmp_path: Path) -> None:
    import rasterio

    transform = Affine(10.0, 0.0, 600000.0, 0.0, -10.0, 5100000.0)
    attrs = {"name": "official", "seed": 3, "colors": {"1": "#ff0000", "2": "#00ff00"}}
    values = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    array = with_georeference(
        xr.DataArray(values, dims=("y", "x"), attrs=attrs), "EPSG:32632", transform
    )
    dataset = at(RasterMapDataset, tmp_path / "map.tif", "a")
    dataset.save(array)
    loaded = dataset.load()
    np.testing.assert_array_equal(loaded.to_numpy(), values)
    assert {k: loaded.attrs[k] for k in attrs} == attrs
    assert georeference(loaded)[1] == transform
    with rasterio.open(saved_files(dataset)[0]) as source:
        assert source.crs.to_epsg() == 32632
        assert source.transform == transform
        assert source.colormap(1)[2] == (0, 255, 0, 255)


def test_a_map_without_a_place_is_written_without_a_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    dataset = at(RasterMapDataset, tmp_path / "map.tif", "a")
    dataset.save(xr.DataArray(np.ones((2, 3), np.float32), dims=("y", "x")))
    assert georeference(dataset.load()) == (None, None)
    assert not recwarn.list
