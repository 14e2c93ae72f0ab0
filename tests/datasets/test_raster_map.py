"""Maps as GeoTIFF."""

import json
import shutil
import subprocess
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


def test_a_map_of_classes_tells_gis_programs_what_it_is(tmp_path: Path) -> None:
    import rasterio

    values = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    attributes = {
        "quantity": "part of the split",
        "nodata": 0,
        "classes": {1: "train", 2: "test"},
        "colors": {1: "#ff0000", 2: "#00ff00"},
    }
    dataset = RasterMapDataset(filepath=str(tmp_path / "split.tif"))
    dataset.save(xr.DataArray(values, dims=("y", "x"), attrs=attributes))
    assert {path.name for path in tmp_path.iterdir()} == {
        *("split.tif", "split.tif.aux.xml", "split.qml", "split.tif.sha256"),
    }
    with rasterio.open(tmp_path / "split.tif") as source:
        assert source.nodata == 0
        assert source.descriptions == ("part of the split",)
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.colormap(1)[1] == (255, 0, 0, 255)
    assert "<Category>test</Category>" in (tmp_path / "split.tif.aux.xml").read_text()
    assert 'label="train"' in (tmp_path / "split.qml").read_text()
    np.testing.assert_array_equal(dataset.load(), values)


def test_a_map_of_numbers_has_units_and_says_where_nothing_is_known(tmp_path: Path) -> None:
    import rasterio

    values = np.full((600, 700), 0.5, np.float32)  # larger than a tile: it has overviews
    values[0] = np.nan
    attributes = {"quantity": "entropy", "units": "1"}
    dataset = RasterMapDataset(filepath=str(tmp_path / "uncertainty_map.tif"))
    dataset.save(xr.DataArray(values, dims=("y", "x"), attrs=attributes))
    with rasterio.open(tmp_path / "uncertainty_map.tif") as source:
        assert np.isnan(source.nodata)
        assert (source.descriptions, source.units) == (("entropy",), ("1",))
        assert source.overviews(1)
    np.testing.assert_array_equal(dataset.load(), values)


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="gdalinfo is not installed")
def test_gdalinfo_tells_the_names_of_the_classes(tmp_path: Path) -> None:
    attributes = {"nodata": 0, "classes": {1: "water"}, "colors": {1: "#0000ff"}}
    dataset = RasterMapDataset(filepath=str(tmp_path / "class_map.tif"))
    dataset.save(xr.DataArray(np.ones((4, 5), np.uint8), dims=("y", "x"), attrs=attributes))
    printed = subprocess.run(
        ["gdalinfo", "-json", str(tmp_path / "class_map.tif")], capture_output=True, check=True
    )
    told = json.loads(printed.stdout)
    (band,) = told["bands"]
    assert band["categories"] == ["", "water"]
    assert band["noDataValue"] == 0
    assert band["colorInterpretation"] == "Palette"
    assert told["rat"]["row"][0]["f"][:2] == [1, "water"]
