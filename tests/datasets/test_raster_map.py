"""Maps as GeoTIFF."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from kedro.io import DatasetError
from rasterio.transform import Affine

from bdgf.core.errors import ArtifactError
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


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_values_come_back_as_they_are(tmp_path: Path, dtype: type) -> None:
    values = (np.random.default_rng(0).random((7, 4)) * 100).astype(dtype)
    dataset = RasterMapDataset(filepath=str(tmp_path / "map.tif"))
    dataset.save(xr.DataArray(values, dims=("y", "x")))
    loaded = dataset.load()
    assert loaded.dtype == dtype
    assert loaded.dims == ("y", "x")
    np.testing.assert_array_equal(loaded, values)


def test_numbers_of_numpy_among_the_attributes_become_plain_ones(tmp_path: Path) -> None:
    attributes = {"seed": np.int64(3), "share": np.float32(0.5), "where": Path("a")}
    dataset = RasterMapDataset(filepath=str(tmp_path / "map.tif"))
    dataset.save(xr.DataArray(np.zeros((2, 2), np.uint8), dims=("y", "x"), attrs=attributes))
    assert dataset.load().attrs == {"seed": 3, "share": 0.5, "where": "a"}


def test_equal_maps_share_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "map.tif"
    for version, value in (("a", 1), ("b", 1), ("c", 2)):
        array = xr.DataArray(np.full((3, 3), value, np.uint8), dims=("y", "x"))
        at(RasterMapDataset, path, version).save(array)
    inodes = {version: (path / version / "map.tif").stat().st_ino for version in "abc"}
    assert inodes["a"] == inodes["b"] != inodes["c"]


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_file_cut_short_is_told_in_one_line(tmp_path: Path, share: float) -> None:
    path = tmp_path / "map.tif"
    dataset = RasterMapDataset(filepath=str(path))
    noise = np.random.default_rng(0).random((200, 200))
    dataset.save(xr.DataArray(noise, dims=("y", "x")))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DatasetError, match="delete this version and make it again") as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, ArtifactError)
    assert "\n" not in str(caught.value.__cause__)
