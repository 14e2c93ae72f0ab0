from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from kedro.io import DatasetError
from rasterio.transform import Affine

from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.raster.georeferencing import georeference, with_georeference
from bdgf.raster.streamed import Part, StreamedDataset, hollow
from tests.datasets.small_versions import at, constant_scene


@pytest.fixture
def scene():
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    return xr.Dataset(
        {"optical": (("band", "y", "x"), values, {"kind": "spectral"}), "spatial_ref": ((), 0)},
        attrs={"scene": "small"},
    )


@pytest.mark.parametrize("lazy", [False, True])
def test_what_is_written_is_read(tmp_path, scene, lazy):
    dataset = NetCDFDataset(filepath=str(tmp_path / "scene.nc"), lazy=lazy)
    dataset.save(scene)
    read = dataset.load()
    xr.testing.assert_identical(read, scene.set_coords("spatial_ref"))


def test_a_lazy_dataset_keeps_no_values(tmp_path, scene):
    NetCDFDataset(filepath=str(tmp_path / "scene.nc")).save(scene)
    kept = {}
    for lazy in (False, True):
        read = NetCDFDataset(filepath=str(tmp_path / "scene.nc"), lazy=lazy).load()
        first = read["optical"].to_numpy()
        kept[lazy] = np.shares_memory(first, read["optical"].to_numpy())
    assert kept == {False: True, True: False}


@pytest.mark.parametrize("lazy", [False, True])
def test_a_damaged_file_is_told_in_one_line(tmp_path, scene, lazy):
    path = tmp_path / "scene.nc"
    NetCDFDataset(filepath=str(path)).save(scene)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(
        DatasetError, match=r"scene\.nc is damaged or of another version \(.*make it again"
    ):
        NetCDFDataset(filepath=str(path), lazy=lazy).load()


def test_every_array_of_a_scene_knows_its_place(tmp_path: Path) -> None:
    transform = Affine(10.0, 0.0, 600000.0, 0.0, -10.0, 5100000.0)
    dataset = at(NetCDFDataset, tmp_path / "scene.nc", "a")
    dataset.save(with_georeference(constant_scene(), "EPSG:32632", transform))
    crs, found = georeference(dataset.load()["optical"])
    assert crs is not None
    assert crs.to_epsg() == 32632
    assert found == transform


@pytest.mark.parametrize("lazy", [False, True])
def test_a_dataset_in_parts_is_the_same_file_to_who_reads_it(tmp_path: Path, lazy: bool) -> None:
    transform = Affine(10.0, 0.0, 600000.0, 0.0, -10.0, 5100000.0)
    rng = np.random.default_rng(0)
    values = rng.standard_normal((3, 150, 90), np.float32)
    rest = xr.Dataset(
        {"labels": (("y", "x"), rng.integers(0, 5, (150, 90), np.uint8))}, attrs={"scene": "small"}
    )
    form = hollow(("band", "y", "x"), values.shape, "float32", {"kind": "spectral"})
    rest = with_georeference(rest.assign(optical=form), "EPSG:32632", transform)

    def parts() -> Iterator[Part]:
        for first in range(0, 150, 40):  # not in chunks of the file
            rows = slice(first, min(first + 40, 150))
            yield Part("optical", (slice(None), rows, slice(None)), values[:, rows])

    whole = rest.assign(optical=rest["optical"].copy(data=values))
    dataset = NetCDFDataset(filepath=str(tmp_path / "whole.nc"), lazy=lazy)
    dataset.save(whole)
    streamed = NetCDFDataset(filepath=str(tmp_path / "streamed.nc"), lazy=lazy)
    streamed.save(StreamedDataset({"optical": form}, parts, lambda: rest))
    xr.testing.assert_identical(streamed.load().load(), dataset.load().load())
    assert georeference(streamed.load()["optical"]) == georeference(dataset.load()["optical"])
    assert streamed.load()["optical"].encoding["grid_mapping"] == "spatial_ref"
    again = NetCDFDataset(filepath=str(tmp_path / "again.nc"))
    again.save(StreamedDataset({"optical": form}, parts, lambda: rest))
    assert (tmp_path / "again.nc").read_bytes() == (tmp_path / "streamed.nc").read_bytes()


def test_a_dataset_in_parts_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    form = hollow(("y", "x"), (4, 4), "float32", {})

    def parts() -> Iterator[Part]:
        yield Part("a", (slice(0, 2), slice(None)), np.ones((2, 4), np.float32))
        raise ValueError("the source is damaged")

    with pytest.raises(DatasetError, match="the source is damaged"):
        NetCDFDataset(filepath=str(tmp_path / "a.nc")).save(
            StreamedDataset({"a": form}, parts, xr.Dataset)
        )
    assert list(tmp_path.iterdir()) == []
