import hashlib
import os
import socket

import pytest
from filelock import FileLock

from bdgf.core.errors import SceneError
from bdgf.scenes.config import Origin
from bdgf.scenes.download import fetch_scene
from tests.scenes.file_server import serving

DATA = bytes(range(256)) * 2000


@pytest.fixture
def server():
    with serving() as one:
        one.files["a.tif"] = DATA
        yield one


def origin(server, data=DATA, **names):
    names = names or {"a.tif": "a.tif"}
    digest = hashlib.sha256(data).hexdigest()
    files = {name: server.address(path) for name, path in names.items()}
    return Origin(files=files, sha256=dict.fromkeys(files, digest), url="https://page.example")


def fetch(server, folders, given=None, progress=lambda *_: None):
    folders = folders if isinstance(folders, list) else [folders]
    return fetch_scene("small", given or origin(server), folders, progress)


def names(folder):
    return sorted(os.listdir(folder))


def test_files_come_whole_and_their_progress_is_told(server, tmp_path):
    told = []
    files, folder = fetch(server, tmp_path / "small", progress=lambda *step: told.append(step))
    assert (files, folder) == ([tmp_path / "small" / "a.tif"], tmp_path / "small")
    assert files[0].read_bytes() == DATA
    assert names(folder) == ["a.tif"]
    assert told[0] == ("a.tif", 0, len(DATA))
    assert told[-1] == ("a.tif", len(DATA), len(DATA))


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_goes_on(server, tmp_path, ranges):
    server.breaks_after, server.ranges = 200_000, ranges
    with pytest.raises(SceneError, match=r"the connection broke off after [\d,]+ bytes.*resumes"):
        fetch(server, tmp_path)
    (part,) = names(tmp_path)
    assert part == ".a.tif.part"
    kept = (tmp_path / part).stat().st_size
    assert 0 < kept <= 200_000
    server.breaks_after = None
    fetch(server, tmp_path)
    assert (tmp_path / "a.tif").read_bytes() == DATA
    assert names(tmp_path) == ["a.tif"]
    assert server.asked == ["", f"bytes={kept}-"]


def test_a_download_that_ended_before_its_last_step(server, tmp_path):
    (tmp_path / ".a.tif.part").write_bytes(DATA)
    fetch(server, tmp_path)
    assert (tmp_path / "a.tif").read_bytes() == DATA


def test_a_part_that_is_longer_than_the_file_is_begun_anew(server, tmp_path):
    (tmp_path / ".a.tif.part").write_bytes(DATA + b"more")
    fetch(server, tmp_path)
    assert (tmp_path / "a.tif").read_bytes() == DATA


def test_another_file_is_not_kept(server, tmp_path):
    with pytest.raises(SceneError, match="is not the published file") as error:
        fetch(server, tmp_path, origin(server, b"another"))
    assert "\n" not in str(error.value)
    assert names(tmp_path) == []


def test_a_part_of_another_edition_is_not_kept(server, tmp_path):
    (tmp_path / ".a.tif.part").write_bytes(b"x" * 1000)
    with pytest.raises(SceneError, match="fetch it once more"):
        fetch(server, tmp_path)
    assert names(tmp_path) == []
    fetch(server, tmp_path)
    assert (tmp_path / "a.tif").read_bytes() == DATA


def test_a_file_that_the_server_has_not_got(server, tmp_path):
    with pytest.raises(SceneError, match=r"the server answers 404 \(Not Found\)") as error:
        fetch(server, tmp_path, origin(server, **{"a.tif": "gone.tif"}))
    assert "\n" not in str(error.value)
    assert names(tmp_path) == []


def test_no_network(server, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/a.tif"
    given = Origin(files={"a.tif": address}, sha256={"a.tif": "0" * 64})
    with pytest.raises(SceneError, match="the server cannot be reached"):
        fetch(server, tmp_path, given)
    assert names(tmp_path) == []


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    two.mkdir()
    (two / "a.tif").write_bytes(DATA)
    assert fetch(server, [one, two]) == ([], None)
    assert server.asked == []
    server.files["b.tif"] = DATA
    files, folder = fetch(
        server, [one, two], origin(server, **{"a.tif": "a.tif", "b.tif": "b.tif"})
    )
    assert (files, folder) == ([one / "b.tif"], one)


def test_another_file_of_that_name_is_let_alone(server, tmp_path):
    (tmp_path / "a.tif").write_bytes(b"mine")
    with pytest.raises(SceneError, match="is there already and is not the published file"):
        fetch(server, tmp_path)
    assert (tmp_path / "a.tif").read_bytes() == b"mine"


def test_the_first_folder_that_can_be_written(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    _, folder = fetch(server, [tmp_path / "file" / "small", tmp_path / "two"])
    assert folder == tmp_path / "two"
    with pytest.raises(SceneError, match="can be written"):
        fetch(server, [tmp_path / "file" / "small"])


def test_one_process_downloads_a_file_at_a_time(server, tmp_path):
    with FileLock(tmp_path / ".a.tif.lock"), pytest.raises(SceneError, match="another process"):
        fetch(server, tmp_path)


def test_a_scene_without_addresses_names_its_page(server, tmp_path):
    with pytest.raises(SceneError, match=r"https://page\.example"):
        fetch(server, tmp_path, Origin(url="https://page.example"))
    with pytest.raises(SceneError, match="no public page"):
        fetch(server, tmp_path, Origin())
