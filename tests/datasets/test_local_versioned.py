"""Versions that appear whole, and that share space when they are equal."""

from pathlib import Path

import pytest
import xarray as xr
from kedro.io import DatasetError

from bdgf.core.errors import ArtifactError
from bdgf.datasets.netcdf import NetCDFDataset
from tests.datasets.small_versions import at, constant_scene


def test_the_latest_version_is_read(tmp_path: Path) -> None:
    for version, value in (("2026-01-01", 1.0), ("2026-01-02", 2.0)):
        at(NetCDFDataset, tmp_path / "scene.nc", version).save(constant_scene(value))
    loaded = at(NetCDFDataset, tmp_path / "scene.nc", "unused").load()
    xr.testing.assert_identical(loaded, constant_scene(2.0))


def test_equal_versions_share_their_bytes_and_others_do_not(tmp_path: Path) -> None:
    path = tmp_path / "scene.nc"
    for version, value in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        at(NetCDFDataset, path, version).save(constant_scene(value))
    inodes = {v: (path / v / "scene.nc").stat().st_ino for v in "abc"}
    assert inodes["a"] == inodes["b"] != inodes["c"]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    class Failing(NetCDFDataset):
        def _write(self, content: xr.Dataset, path: Path) -> None:
            path.write_bytes(b"half")
            raise OSError("disk full")

    dataset = at(Failing, tmp_path / "scene.nc", "a")
    with pytest.raises(DatasetError, match="disk full"):
        dataset.save(constant_scene())
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert not dataset.exists()


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "scene.nc" / "a" / "scene.nc"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no netcdf")
    with pytest.raises(DatasetError) as caught:
        at(NetCDFDataset, tmp_path / "scene.nc", "b").load()
    assert isinstance(caught.value.__cause__, ArtifactError)
    assert "delete this version" in str(caught.value.__cause__)
