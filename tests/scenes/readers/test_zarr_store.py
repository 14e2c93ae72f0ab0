"""A Zarr store says what the same data say as NetCDF, and nothing from outside its folder."""

import dataclasses
import json
import pickle
import shutil
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.isolation import read_raw
from bdgf.scenes.readers.raw_array import VariableError, WindowsError
from bdgf.scenes.readers.reading_limits import ReadingLimits, ReadingSettings, reading_limits
from bdgf.scenes.readers.registry import read_array
from tests.scenes.readers.zarr_stores import SIZES, changed, dataset, write_store

zarr = pytest.importorskip("zarr")

PLENTY = 2**30
WINDOWS = ((0, 1, 0, 1), (3, 17, 5, 30), (0, 20, 0, 30), (19, 20, 29, 30))


def read(path, window=None, most=PLENTY, variable="cube"):
    with reading_limits(ReadingLimits(most, 60, (path.parent,), window)):
        return read_array(path, variable)


def refused(path, *words, **more):
    with pytest.raises(SceneError) as caught:
        read(path, **more)
    line = str(caught.value)
    assert "\n" not in line
    assert path.name in line
    for word in words:
        assert word in line


def assert_same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "transform":
            assert a == b
        else:
            np.testing.assert_equal(a, b, err_msg=field.name)


PACKED = [
    (None, {}),
    (-5, {"scale_factor": 1e-4, "add_offset": -0.1, "units": "1"}),
    (None, {"valid_range": [0, 8000], "scale_factor": 0.5}),
    (-5, {"_Unsigned": "true", "scale_factor": 0.5}),
]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(("fill", "attributes"), PACKED)
def test_it_is_what_the_same_data_are_as_netcdf(tmp_path, version, attributes, fill):
    data = dataset(**attributes)
    if fill is not None:
        data["cube"].attrs["_FillValue"] = np.int16(fill)
    store = write_store(tmp_path / "cube.zarr", data, version, chunks=(2, 7, 16))
    data.to_netcdf(tmp_path / "cube.nc", engine="h5netcdf")
    whole, expected = read(store), read(tmp_path / "cube.nc")
    assert_same(whole, expected)
    assert whole.crs.to_epsg() == 32632
    assert whole.band_names == ("B02", "B03", "B04")
    assert whole.wavelengths == (490.0, 560.0, 665.0)
    window = WINDOWS[1]
    assert_same(read(store, window), read(tmp_path / "cube.nc", window))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("fill", [np.nan, -9999.0])
def test_fill_values_of_floats(tmp_path, version, fill):
    data = dataset(dtype="f4")
    data["cube"].attrs["_FillValue"] = np.float32(fill)
    store = write_store(tmp_path / "cube.zarr", data, version)
    data.to_netcdf(tmp_path / "cube.nc", engine="h5netcdf")
    assert read(store).nodata == read(tmp_path / "cube.nc").nodata


@pytest.mark.slow
@pytest.mark.parametrize("version", [2, 3])
@settings(max_examples=8, deadline=None)
@given(chunks=st.tuples(st.integers(1, 4), st.integers(1, 21), st.integers(1, 31)),
       order=st.permutations(["band", "y", "x"]))  # fmt: skip
def test_windows_of_any_chunks_are_those_of_the_whole(tmp_path_factory, version, chunks, order):
    path = tmp_path_factory.mktemp("any") / "cube.zarr"
    data = dataset().transpose(*order)
    sizes = tuple(min(n, SIZES[name]) for n, name in zip(chunks, order, strict=True))
    write_store(path, data, version, chunks=sizes)
    whole = data["cube"].transpose("y", "x", "band").to_numpy()
    for window in WINDOWS:
        part = read(path, window)
        np.testing.assert_array_equal(part.values, whole[window[0] : window[1], slice(*window[2:])])
        assert part.whole == (20, 30)


@pytest.mark.parametrize(("version", "chunks"), [(2, (2, 7, 16)), (3, (1, 20, 1))])
def test_any_window_is_that_of_the_whole(tmp_path, version, chunks):
    path = write_store(tmp_path / "cube.zarr", dataset(), version, chunks=chunks)
    whole = dataset()["cube"].transpose("y", "x", "band").to_numpy()
    for window in WINDOWS:
        part = read(path, window)
        np.testing.assert_array_equal(part.values, whole[window[0] : window[1], slice(*window[2:])])
        assert part.whole == (20, 30)


def test_chunks_in_shards_are_read(tmp_path):
    data = dataset()
    path = write_store(tmp_path / "cube.zarr", data, 3, chunks=(1, 5, 5), shards=(3, 10, 10))
    whole = data["cube"].to_numpy()
    np.testing.assert_array_equal(read(path).values, whole)
    part = read(path, (3, 11, 4, 9))
    np.testing.assert_array_equal(part.values, whole.transpose(1, 2, 0)[3:11, 4:9])


def test_only_the_chunks_under_a_window_are_read(tmp_path):
    path = write_store(tmp_path / "cube.zarr", dataset(), 3, chunks=(3, 10, 10))
    for chunk in (path / "cube" / "c").glob("*/*/*"):
        if chunk.parts[-2:] != ("1", "2"):
            chunk.write_bytes(b"damaged")
    assert read(path, (12, 18, 21, 29)).values.shape == (6, 8, 3)
    refused(path, "cannot read", "damaged", window=(8, 18, 21, 29))
    refused(path, "cannot read", "damaged")


def test_arrays_without_names_are_read_whole(tmp_path):
    values = np.random.default_rng(1).random((4, 5, 3))
    path = tmp_path / "plain.zarr"
    zarr.save(path, values)  # the store is the array
    array = read(path, variable=None)
    np.testing.assert_array_equal(array.values, values)
    assert array.axes is None
    assert not array.maybe_reversed
    with pytest.raises(WindowsError, match="have no names"):
        read(path, (0, 1, 0, 1), variable=None)


def test_groups_are_separated_by_dots(tmp_path):
    path = tmp_path / "product.zarr"
    options = {"zarr_format": 2, "consolidated": False}
    dataset().to_zarr(path, group="measurements/r10m", **options)
    (dataset() + 1).to_zarr(path, group="measurements/r20m", mode="a", **options)
    array = read(path, variable="measurements.r20m.cube")
    np.testing.assert_array_equal(array.values, dataset()["cube"] + 1)
    refused(path, "no variable 'cube'", "measurements.r10m.cube")
    refused(path, "holds 2 variables", variable=None)


def test_the_reference_system_of_gdal(tmp_path):
    data = dataset().drop_vars("spatial_ref")
    path = write_store(tmp_path / "cube.zarr", data, 2)
    wkt = dataset().rio.crs.to_wkt()
    changed(path / "cube" / ".zattrs", _CRS={"wkt": wkt}, grid_mapping=None)
    assert read(path).crs.to_epsg() == 32632


def test_chunks_without_a_file_are_told(tmp_path):
    path = write_store(tmp_path / "cube.zarr", dataset(), 3, chunks=(3, 10, 10))
    (path / "cube" / "c" / "0" / "0" / "1").unlink()
    array = read(path)
    assert not array.values[:, :10, 10:20].any()
    assert "1 of its chunks have no file and hold its fill value" in array.notes


@pytest.mark.parametrize("version", [2, 3])
def test_damaged_stores_end_in_one_line(tmp_path, version):
    name = "zarr.json" if version == 3 else ".zarray"
    for damage in (b"", b"{", b"[]", b"{}", b'{"zarr_format": 7}', b"\xff"):
        path = write_store(tmp_path / "cube.zarr", dataset(), version)
        (path / "cube" / name).write_bytes(damage)
        refused(path)
        shutil.rmtree(path)


@pytest.mark.parametrize(
    ("version", "change"),
    [
        (2, {"dtype": 5}),
        (2, {"shape": "x"}),
        (2, {"chunks": [0, 0, 0]}),
        (2, {"filters": 3}),
        (2, {"compressor": "none"}),
        (3, {"codecs": 1}),
        (3, {"data_type": {}}),
        (3, {"shape": [-1, 2, 3]}),
        (3, {"dimension_names": 4}),
        (3, {"storage_transformers": [{"name": "x"}]}),
        (3, {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1]}}}),
    ],
)
def test_odd_metadata_end_in_one_line(tmp_path, version, change):
    path = write_store(tmp_path / "cube.zarr", dataset(), version)
    changed(path / "cube" / ("zarr.json" if version == 3 else ".zarray"), **change)
    refused(path)


class Harmful:
    def __reduce__(self):
        return (open, (str(Harmful.path), "w"))


def test_objects_are_refused_and_never_unpickled(tmp_path):
    path = tmp_path / "cube.zarr"
    Harmful.path = tmp_path / "done"
    array = path / "cube"
    array.mkdir(parents=True)
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    (array / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["y", "x"]}')
    document = {"zarr_format": 2, "shape": [2, 3], "chunks": [2, 3], "order": "C",
                "fill_value": None, "compressor": None}  # fmt: skip
    content = pickle.dumps([Harmful(), (2, 3)])
    (array / "0.0").write_bytes(content)
    for dtype, filters in (
        ("|O", [{"id": "pickle", "protocol": 5}]),
        ("|O", [{"id": "vlen-utf8"}, {"id": "pickle"}]),
        ("<f8", [{"id": "pickle"}]),
        ("<f8", [{"id": "astype", "encode_dtype": "|O", "decode_dtype": "<f8"}]),
    ):
        (array / ".zarray").write_text(json.dumps(document | {"dtype": dtype, "filters": filters}))
        for variable in ("cube", None):
            refused(path, "not read", "'cube'", variable=variable)
    assert not Harmful.path.exists()


@pytest.mark.parametrize("version", [2, 3])
def test_what_declares_more_than_the_limit_is_refused_before_it_is_read(tmp_path, version):
    name = "zarr.json" if version == 3 else ".zarray"
    path = write_store(tmp_path / "cube.zarr", dataset(), version, chunks=(3, 20, 30))
    size = [3, 10**6, 10**7]
    changed(path / "cube" / name, shape=size)
    refused(path, "more than the limit", "ingest.most_gib")
    large = {"chunks": size} if version == 2 else {
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": size}}
    }  # fmt: skip
    changed(path / "cube" / name, shape=[3, 20, 30], **large)
    refused(path, "a chunk of", "more than the limit")


def test_a_coordinate_that_declares_more_than_the_limit_is_refused(tmp_path):
    path = write_store(tmp_path / "cube.zarr", dataset(), 3, chunks=(1, 1, 1))
    grid = {"name": "regular", "configuration": {"chunk_shape": [1, 1, 1]}}
    changed(path / "cube" / "zarr.json", shape=[3, 20, 10**12], chunk_grid=grid)
    changed(path / "x" / "zarr.json", shape=[10**12])
    refused(path, "more than the limit", window=(0, 1, 0, 1))


def test_nothing_outside_the_store_is_read(tmp_path):
    outside = write_store(tmp_path / "other.zarr", dataset() + 1, 2, chunks=(3, 20, 30))
    path = write_store(tmp_path / "cube.zarr", dataset(), 2, chunks=(3, 20, 30))
    (path / "cube" / "0.0.0").unlink()
    (path / "cube" / "0.0.0").symlink_to(outside / "cube" / "0.0.0")
    refused(path, "leads out of the store")
    shutil.rmtree(path / "cube")
    (path / "cube").symlink_to(outside / "cube")
    refused(path, "leads out of the store")
    (path / "cube").unlink()
    # A store may itself lie elsewhere, and links may stay inside.
    shutil.copytree(outside / "cube", path / "real")
    (path / "cube").symlink_to("real")
    (tmp_path / "linked.zarr").symlink_to(path)
    np.testing.assert_array_equal(read(tmp_path / "linked.zarr").values, dataset()["cube"] + 1)


def test_paths_of_consolidated_metadata_lead_nowhere(tmp_path):
    outside = write_store(tmp_path / "other.zarr", dataset() + 1, 2)
    path = write_store(tmp_path / "cube.zarr", dataset(), 2)
    odd = {"../other.zarr/cube/.zarray": json.loads((outside / "cube" / ".zarray").read_text())}
    consolidated = {"zarr_consolidated_format": 1, "metadata": odd}
    (path / ".zmetadata").write_text(json.dumps(consolidated))
    np.testing.assert_array_equal(read(path).values, dataset()["cube"])
    for name in ("../other.zarr/cube", "..other.zarr.cube", "/etc"):
        with pytest.raises(VariableError):
            read(path, variable=name)


def test_a_folder_that_is_no_store_says_so(tmp_path):
    (tmp_path / "cube.zarr").mkdir()
    refused(tmp_path / "cube.zarr", "is no Zarr store")
    (tmp_path / "file.zarr").write_bytes(b"PK\x03\x04")
    refused(tmp_path / "file.zarr", "no folder", "unpack")


def test_without_the_package_the_line_says_what_to_install(tmp_path, monkeypatch):
    path = write_store(tmp_path / "cube.zarr", dataset())
    monkeypatch.setitem(sys.modules, "zarr", None)
    for name in ("bdgf.scenes.readers.zarr_arrays",):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delattr("bdgf.scenes.readers.zarr_arrays", raising=False)
    refused(path, "pip install 'bdgf[zarr]'")


@pytest.mark.slow
def test_it_is_read_in_a_process_of_its_own_too(tmp_path):
    path = write_store(tmp_path / "cube.zarr", dataset(), 3, chunks=(3, 10, 10))
    here = read(path, (2, 15, 3, 29))
    there = read_raw(path, "cube", ReadingSettings(), [tmp_path], (2, 15, 3, 29))
    assert_same(there, here)
    (path / "cube" / "zarr.json").write_text("{")
    with pytest.raises(SceneError, match="no JSON"):
        read_raw(path, "cube", ReadingSettings(), [tmp_path])


def test_a_store_with_consolidated_metadata(tmp_path):
    path = tmp_path / "cube.zarr"
    dataset().to_zarr(path, zarr_format=2, consolidated=True)
    np.testing.assert_array_equal(read(path).values, dataset()["cube"])
