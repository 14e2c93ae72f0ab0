import os

import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.zarr_folder import StoreFolder, is_zarr_store


def test_files_and_folders_of_a_store(tmp_path):
    store = tmp_path / "a.ZARR"
    (store / "b" / "c").mkdir(parents=True)
    (store / "b" / "file").write_bytes(b"1")
    folder = StoreFolder(store)
    assert is_zarr_store(store)
    assert not is_zarr_store(tmp_path)
    assert folder.file("b/file") == store / "b" / "file"
    assert folder.file("b/none") is None
    assert list(folder.folders("b")) == ["c"]
    assert list(folder.folders("")) == ["b"]


@pytest.mark.parametrize("key", ["../out", "b/../../out", "b/link", "b/\0"])
def test_keys_that_lead_outside_are_refused(tmp_path, key):
    store = tmp_path / "a.zarr"
    (store / "b").mkdir(parents=True)
    (tmp_path / "out").write_bytes(b"1")
    (store / "b" / "link").symlink_to(tmp_path / "out")
    with pytest.raises(SceneError, match=r"a\.zarr"):
        StoreFolder(store).file(key)


def test_a_pipe_is_not_waited_for(tmp_path):
    store = tmp_path / "a.zarr"
    store.mkdir()
    os.mkfifo(store / "0.0")
    with pytest.raises(SceneError, match="no plain file"):
        StoreFolder(store).file("0.0")
