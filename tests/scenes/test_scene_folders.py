"""Folders of raw files, local or on a storage of fsspec; a local S3 server stands for S3."""

import logging

import fsspec
import numpy as np
import pytest
import requests

from bdgf.core.errors import SceneError, SettingsError
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest
from bdgf.scenes.scene_folders import scene_folders

SCENE = {
    "modalities": {"optical": {"kind": "spectral", "file": "optical.npy"}},
    "labels": {"file": "below/labels.npy"},
    "classes": [{"id": 1, "name": "one"}],
}
CONFIG = parse_scene_config("small", SCENE)
ADDRESS = "memory://scenes"
OPTICAL = np.arange(60, dtype=np.float32).reshape(4, 5, 3)


@pytest.fixture
def storage():
    files = fsspec.filesystem("memory")
    put(files, "/scenes/small/optical.npy", OPTICAL)
    put(files, "/scenes/small/below/labels.npy", np.ones((4, 5), np.uint8))
    put(files, "/scenes/other/optical.npy", np.ones(3))
    yield files
    files.store.clear()


def put(files, path, array):
    with files.open(path, "wb") as file:
        np.save(file, array)


def copied(mirror):
    return sorted(str(p.relative_to(mirror)) for p in mirror.rglob("*.npy"))


def test_a_scene_is_copied_once_and_again_where_it_changed(storage, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    local, mirror = tmp_path / "local", tmp_path / "mirror"
    folders = [str(local), ADDRESS]
    found = scene_folders("small", CONFIG, folders, str(mirror))
    assert found == [local / "small", mirror / "memory/scenes/small"]
    of_the_scene = ["memory/scenes/small/below/labels.npy", "memory/scenes/small/optical.npy"]
    assert copied(mirror) == of_the_scene
    assert "copying 2 files" in caplog.text
    caplog.clear()
    scene_folders("small", CONFIG, folders, str(mirror))
    assert caplog.text == ""
    put(storage, "/scenes/small/optical.npy", OPTICAL + 2)
    storage.rm("/scenes/small/below/labels.npy")
    scene_folders("small", CONFIG, folders, str(mirror))
    assert "copying 1 files" in caplog.text
    assert copied(mirror) == of_the_scene[1:]
    assert np.load(mirror / of_the_scene[1]).max() == 61


def test_a_copy_that_was_deleted_or_whose_record_is_damaged_is_made_again(storage, tmp_path):
    (folder,) = scene_folders("small", CONFIG, [ADDRESS], str(tmp_path))
    (folder / "optical.npy").unlink()
    scene_folders("small", CONFIG, [ADDRESS], str(tmp_path))
    assert (folder / "optical.npy").is_file()
    (folder / ".mirror.json").write_text("{")
    scene_folders("small", CONFIG, [ADDRESS], str(tmp_path))
    assert len(copied(tmp_path)) == 2


def test_storage_is_not_asked_where_all_files_are_local(storage, tmp_path):
    for name in ("optical.npy", "below/labels.npy"):
        (tmp_path / "small" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "small" / name).touch()
    folders = [str(tmp_path), "s3://no-such-bucket"]
    assert scene_folders("small", CONFIG, folders, "mirror") == [tmp_path / "small"]


def test_to_look_copies_nothing(storage, tmp_path):
    found = scene_folders("small", CONFIG, [ADDRESS], str(tmp_path), copy=False)
    assert found == [tmp_path / "memory/scenes/small"]
    assert not list(tmp_path.iterdir())


def test_a_scene_is_read_from_storage(storage, tmp_path):
    settings = IngestSettings(folders=(ADDRESS,), mirror=str(tmp_path))
    assert ingest("small", SCENE, settings)["optical"].shape == (4, 5, 3)


def test_a_name_that_leads_out_of_its_folder_is_refused(storage, tmp_path, monkeypatch):
    names = {"/scenes/small/../../x.npy": {"size": 1}}
    monkeypatch.setattr(type(storage), "find", lambda *_, **__: names)
    with pytest.raises(SceneError, match="leads out of its folder"):
        scene_folders("small", CONFIG, [ADDRESS], str(tmp_path))


def test_storage_that_refuses_is_one_line(storage, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("Access\n Denied")

    monkeypatch.setattr(type(storage), "find", refuse)
    with pytest.raises(SceneError, match="cannot read memory://scenes/small: Access Denied; check"):
        scene_folders("small", CONFIG, [ADDRESS], str(tmp_path))


def test_storage_without_its_package_is_one_line(tmp_path):
    with pytest.raises(SettingsError, match=r"nosuch://scenes/small cannot be read .*Protocol not"):
        scene_folders("small", CONFIG, ["nosuch://scenes"], str(tmp_path))


@pytest.fixture
def s3(monkeypatch):
    """A bucket `scenes` on an S3 server of this machine."""
    pytest.importorskip("s3fs", reason="S3 needs the extra `remote`")
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    running = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10)  # it keeps what was put
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    files.mkdir("scenes")
    yield files
    s3fs.S3FileSystem.clear_instance_cache()
    running.stop()


def test_a_scene_is_read_from_s3(s3, tmp_path, caplog):
    caplog.set_level(logging.INFO, "bdgf")
    put(s3, "scenes/small/optical.npy", OPTICAL)
    put(s3, "scenes/small/below/labels.npy", np.ones((4, 5), np.uint8))
    settings = IngestSettings(folders=("s3://scenes",), mirror=str(tmp_path))
    assert ingest("small", SCENE, settings)["optical"].shape == (4, 5, 3)
    assert copied(tmp_path) == ["s3/scenes/small/below/labels.npy", "s3/scenes/small/optical.npy"]
    caplog.clear()
    ingest("small", SCENE, settings)
    assert "copying" not in caplog.text


def test_a_bucket_that_is_not_there_is_one_line(s3, tmp_path):
    words = r"cannot read s3://nowhere/small: .*bucket does not exist"
    with pytest.raises(SceneError, match=words):
        scene_folders("small", CONFIG, ["s3://nowhere"], str(tmp_path))
