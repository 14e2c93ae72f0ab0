"""Versions that appear whole, and that share space when they are equal."""

from pathlib import Path

import pytest
import xarray as xr
from kedro.io import DatasetError, Version

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


def test_a_file_shares_its_bytes_with_the_equal_one_that_it_was_made_from(tmp_path: Path) -> None:
    at(NetCDFDataset, tmp_path / "first" / "scene.nc", "a").save(constant_scene(1.0))
    source = tmp_path / "first" / "scene.nc" / "a" / "scene.nc"
    for version, value in (("a", 1.0), ("b", 2.0)):
        dataset = at(NetCDFDataset, tmp_path / "second" / "scene.nc", version)
        dataset.sources = [source.with_name("other.nc"), source]
        dataset.save(constant_scene(value))
    made = {v: tmp_path / "second" / "scene.nc" / v / "scene.nc" for v in "ab"}
    assert made["a"].samefile(source)
    assert not made["b"].samefile(source)
    xr.testing.assert_identical(
        at(NetCDFDataset, tmp_path / "second" / "scene.nc", "x").load(), constant_scene(2.0)
    )


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


def test_a_version_is_no_link_to_an_earlier_one_that_was_damaged(tmp_path: Path) -> None:
    path = tmp_path / "scene.nc"
    for version in "ab":
        at(NetCDFDataset, path, version).save(constant_scene())
    shared = path / "a" / "scene.nc"
    content = bytearray(shared.read_bytes())
    content[len(content) // 2] ^= 1
    shared.write_bytes(content)  # both versions are this file
    at(NetCDFDataset, path, "c").save(constant_scene())
    assert not (path / "c" / "scene.nc").samefile(shared)
    xr.testing.assert_identical(at(NetCDFDataset, path, "x").load(), constant_scene())
    with pytest.raises(DatasetError, match=r"b/scene\.nc is damaged"):
        NetCDFDataset(filepath=str(path), version=Version("b", None)).load()


def test_what_a_killed_run_left_is_cleared_at_the_next_saving(tmp_path: Path) -> None:
    path = tmp_path / "scene.nc"
    (path / ".scene.nc.0123abcd.part").mkdir(parents=True)
    (path / ".scene.nc.0123abcd.part" / "scene.nc").write_bytes(b"half")
    (path / ".scene.nc.0123abcd.lock").touch()
    assert not at(NetCDFDataset, path, "a").exists()
    at(NetCDFDataset, path, "a").save(constant_scene())
    assert [file.name for file in path.iterdir()] == ["a"]


def test_the_remedy_is_the_entrys(tmp_path: Path) -> None:
    dataset = at(NetCDFDataset, tmp_path / "scene.nc", "a")
    dataset.save(constant_scene())
    (tmp_path / "scene.nc" / "a" / "scene.nc").write_bytes(b"damaged")
    dataset.remedy = "make it again: kedro run --pipeline=ingest"
    with pytest.raises(DatasetError, match=r"make it again: kedro run --pipeline=ingest"):
        dataset.load()
