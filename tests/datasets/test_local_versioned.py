"""Versions that appear whole, and that share space when they are equal."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from kedro.io import DatasetError, Version
from rasterio.transform import Affine

from bdgf.core.errors import SceneError
from bdgf.core.weights import Weights
from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.datasets.raster_map import RasterMapDataset
from bdgf.datasets.weights import WeightsDataset
from bdgf.framework.hooks.artifacts import saved_files
from bdgf.raster.georeferencing import georeference, with_georeference


def at(kind: type, path: Path, version: str):  # type: ignore[no-untyped-def]
    return kind(filepath=str(path), version=Version(None, version))


def scene(value: float = 1.0) -> xr.Dataset:
    return xr.Dataset({"optical": (("y", "x", "band"), np.full((4, 5, 3), value, np.float32))})


def test_the_latest_version_is_read(tmp_path: Path) -> None:
    for version, value in (("2026-01-01", 1.0), ("2026-01-02", 2.0)):
        at(NetCDFDataset, tmp_path / "scene.nc", version).save(scene(value))
    loaded = at(NetCDFDataset, tmp_path / "scene.nc", "unused").load()
    xr.testing.assert_identical(loaded, scene(2.0))


def test_every_array_of_a_scene_knows_its_place(tmp_path: Path) -> None:
    transform = Affine(10.0, 0.0, 600000.0, 0.0, -10.0, 5100000.0)
    dataset = at(NetCDFDataset, tmp_path / "scene.nc", "a")
    dataset.save(with_georeference(scene(), "EPSG:32632", transform))
    crs, found = georeference(dataset.load()["optical"])
    assert crs is not None
    assert crs.to_epsg() == 32632
    assert found == transform


def test_equal_versions_share_their_bytes_and_others_do_not(tmp_path: Path) -> None:
    path = tmp_path / "scene.nc"
    for version, value in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        at(NetCDFDataset, path, version).save(scene(value))
    inodes = {v: (path / v / "scene.nc").stat().st_ino for v in "abc"}
    assert inodes["a"] == inodes["b"] != inodes["c"]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    class Failing(NetCDFDataset):
        def _write(self, content: xr.Dataset, path: Path) -> None:
            path.write_bytes(b"half")
            raise OSError("disk full")

    dataset = at(Failing, tmp_path / "scene.nc", "a")
    with pytest.raises(DatasetError, match="disk full"):
        dataset.save(scene())
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert not dataset.exists()


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "scene.nc" / "a" / "scene.nc"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no netcdf")
    with pytest.raises(DatasetError) as caught:
        at(NetCDFDataset, tmp_path / "scene.nc", "b").load()
    assert isinstance(caught.value.__cause__, SceneError)
    assert "delete this version" in str(caught.value.__cause__)


def test_weights_keep_tensors_and_configuration(tmp_path: Path) -> None:
    weights = Weights({"a": torch.arange(6.0).reshape(2, 3).T}, {"settings": {"width": 3}})
    dataset = at(WeightsDataset, tmp_path / "net.safetensors", "a")
    dataset.save(weights)
    loaded = dataset.load()
    assert loaded.config == weights.config
    assert torch.equal(loaded.tensors["a"], weights.tensors["a"])
    assert [path.name for path in saved_files(dataset)] == ["net.safetensors", "net.json"]
    assert all(path.exists() for path in saved_files(dataset))


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
