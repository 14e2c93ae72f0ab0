import asyncio
import json

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.reading_limits import ReadingLimits, reading_limits
from bdgf.scenes.readers.zarr_folder import StoreFolder
from bdgf.scenes.readers.zarr_metadata import find_nodes
from tests.scenes.readers.zarr_stores import changed, dataset, write_store

pytest.importorskip("zarr")

from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype

from bdgf.scenes.readers.zarr_arrays import ConfinedStore, variables_of


def variables(path):
    folder = StoreFolder(path)
    nodes = [(node.place, node) for node in find_nodes(folder) if node.is_array]
    return variables_of(path, ConfinedStore(folder), nodes)


def test_the_store_reads_parts_of_files_and_notes_what_is_absent(tmp_path):
    path = tmp_path / "a.zarr"
    path.mkdir()
    (path / "0").write_bytes(b"0123456789")
    store, form = ConfinedStore(StoreFolder(path)), default_buffer_prototype()

    def got(key, part=None):
        buffer = asyncio.run(store.get(key, form, part))
        return None if buffer is None else buffer.to_bytes()

    assert got("0") == b"0123456789"
    assert got("0", RangeByteRequest(2, 5)) == b"234"
    assert got("0", OffsetByteRequest(7)) == b"789"
    assert got("0", SuffixByteRequest(4)) == b"6789"
    assert got("1") is got("zarr.json") is None
    assert store.absent == {"1"}
    assert asyncio.run(store.exists("0"))
    with pytest.raises(SceneError, match="leads out"):
        got("../b")
    assert store.read_only


@pytest.mark.parametrize("version", [2, 3])
def test_variables_have_the_names_and_attributes_of_their_arrays(tmp_path, version):
    data = dataset(scale_factor=0.5, nested={"a": 1}, flags=[1, 2])
    data["cube"].attrs["_FillValue"] = np.int16(-5)
    data["x"].attrs["_FillValue"] = np.nan
    del data["cube"].attrs["nested"]
    path = write_store(tmp_path / "a.zarr", data, version, chunks=(3, 10, 10))
    file = path / "cube" / ("zarr.json" if version == 3 else ".zattrs")
    told = json.loads(file.read_text())
    (told["attributes"] if version == 3 else told)["nested"] = {"a": [1, [2]]}
    file.write_text(json.dumps(told))
    cube = variables(path)["cube"]
    assert cube.dims == ("band", "y", "x")
    assert cube.attrs["_FillValue"] == -5
    assert cube.attrs["scale_factor"] == 0.5
    assert cube.attrs["flags"] == [1, 2]
    assert not {"nested", "_ARRAY_DIMENSIONS"} & set(cube.attrs)
    assert cube.encoding["chunksizes"] == (3, 10, 10)
    np.testing.assert_array_equal(cube[1, 3:9:2, :4], data["cube"][1, 3:9:2, :4])


def test_a_coordinate_lacks_no_values_whatever_its_fill_value(tmp_path):
    path = write_store(tmp_path / "a.zarr", dataset(), 2)
    changed(path / "y" / ".zarray", fill_value=0.0)
    changed(path / "cube" / ".zarray", fill_value=0)
    found = variables(path)
    assert "_FillValue" not in found["y"].attrs
    assert found["cube"].attrs["_FillValue"] == 0


@pytest.mark.parametrize("names", [None, ["y", None, "x"], ["y", "y", "x"], ["", "y", "x"]])
def test_axes_without_names_of_their_own_are_numbered(tmp_path, names):
    path = write_store(tmp_path / "a.zarr", dataset(), 3)
    changed(path / "cube" / "zarr.json", dimension_names=names)
    assert variables(path)["cube"].dims == ("dim_0", "dim_1", "dim_2")


def test_no_part_that_is_more_than_the_limit_is_read(tmp_path):
    path = write_store(tmp_path / "a.zarr", dataset(), 3, chunks=(1, 5, 5))
    cube = variables(path)["cube"]
    with reading_limits(ReadingLimits(100, 60)):
        assert cube[0, :5, :5].to_numpy().shape == (5, 5)
        with pytest.raises(SceneError, match="more than the limit"):
            cube[0, :20, :20].to_numpy()


@pytest.mark.parametrize("name", ["a\\b", "a\\..\\b"])
def test_an_array_that_zarr_would_look_for_elsewhere_is_refused(tmp_path, name):
    path = write_store(tmp_path / "a.zarr", dataset(), 2)
    (path / "cube").rename(path / name)
    with pytest.raises((SceneError, ValueError), match=r"has a name|not allowed|path"):
        variables(path)
