import json

import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.readers import zarr_metadata
from bdgf.scenes.readers.zarr_folder import StoreFolder
from bdgf.scenes.readers.zarr_metadata import Node, find_nodes, refusal

V2 = {"zarr_format": 2, "dtype": "<i2", "filters": None, "compressor": {"id": "blosc"}}
V3 = {
    "data_type": "float32",
    "chunk_grid": {"name": "regular"},
    "chunk_key_encoding": {"name": "default"},
    "codecs": [{"name": "bytes"}, {"name": "zstd"}],
}


def sharded(*inside):
    configuration = {"codecs": list(inside), "index_codecs": [{"name": "crc32c"}]}
    return [{"name": "sharding_indexed", "configuration": configuration}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"dtype": "|b1"}, None),
        ({"dtype": "<U5"}, None),
        ({"dtype": "|O", "filters": [{"id": "vlen-utf8"}]}, None),
        ({"filters": [{"id": "delta", "dtype": "<i2"}]}, None),
        ({"dtype": "|O", "filters": [{"id": "pickle"}]}, "Python objects"),
        ({"dtype": "|O"}, "Python objects"),
        ({"dtype": [["a", "<i2"]]}, "records"),
        ({"dtype": "<M8[ns]"}, "not numbers"),
        ({"dtype": "<f4\n"}, "not numbers"),
        ({"compressor": {"id": "json2"}}, "packed by 'json2'"),
        ({"compressor": "pickle"}, "packed by 'pickle'"),
        ({"filters": [{"id": "delta", "dtype": "|O"}]}, "packed by 'delta' of '|O'"),
    ],
)
def test_version_2(change, words):
    said = refusal(Node("a", 2, True, V2 | change))
    assert said is None if words is None else words in (said or "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"data_type": "string", "codecs": [{"name": "vlen-utf8"}]}, None),
        ({"codecs": sharded({"name": "bytes"}, {"name": "gzip"})}, None),
        ({"codecs": [{"name": "numcodecs.shuffle"}]}, None),
        ({"data_type": {"name": "numpy.datetime64"}}, "not numbers"),
        ({"codecs": sharded({"name": "numcodecs.pickle"})}, "packed by 'pickle'"),
        ({"codecs": ["mine"]}, "packed by 'mine'"),
        ({"codecs": None}, "packed by"),
        ({"chunk_grid": {"name": "rectilinear"}}, "several sizes"),
        ({"chunk_key_encoding": {"name": "mine"}}, "names its chunks"),
        ({"storage_transformers": [{"name": "mine"}]}, "storage transformers"),
    ],
)
def test_version_3(change, words):
    said = refusal(Node("a", 3, True, V3 | change))
    assert said is None if words is None else words in (said or "")


def test_nodes_are_found_and_loops_end(tmp_path):
    store = tmp_path / "a.zarr"
    (store / "g" / "a" / "0").mkdir(parents=True)
    (store / "other").mkdir()
    (store / "zarr.json").write_text(json.dumps({"node_type": "group"}))
    (store / "g" / ".zgroup").write_text("{}")
    (store / "g" / "a" / ".zarray").write_text(json.dumps(V2))
    (store / "g" / "loop").symlink_to(store)
    found = [(n.place, n.version, n.is_array) for n in find_nodes(StoreFolder(store))]
    assert found == [("", 3, False), ("g", 2, False), ("g/a", 2, True)]


def test_metadata_without_an_end_are_refused(tmp_path, monkeypatch):
    store = tmp_path / "a.zarr"
    for i in range(4):
        (store / str(i)).mkdir(parents=True)
        (store / str(i) / ".zgroup").write_text("{}")
    (store / ".zgroup").write_text("[" * 100_000)
    with pytest.raises(SceneError, match="is no JSON"):
        list(find_nodes(StoreFolder(store)))
    (store / ".zgroup").write_text("{}")
    monkeypatch.setattr(zarr_metadata, "_MOST_NODES", 3)
    with pytest.raises(SceneError, match="more than 3"):
        list(find_nodes(StoreFolder(store)))
    monkeypatch.setattr(zarr_metadata, "_MOST_BYTES", 1)
    with pytest.raises(SceneError, match="larger than any metadata"):
        list(find_nodes(StoreFolder(store)))
