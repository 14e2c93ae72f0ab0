"""Artifacts appear whole with their digests, or not at all, whoever is killed when."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bdgf.core.digests import DigestError, check_digests
from bdgf.core.whole_files import whole_artifact

MAIN, MORE = "net.bin", "net.json"
ALL = {MAIN, MORE, f"{MAIN}.sha256"}


def write(path: Path, content: str, stop: BaseException | None = None) -> None:
    with whole_artifact(path) as staged:
        staged.write_text(content)
        staged.with_name(MORE).write_text(content)
        if stop:
            raise stop


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(params=["new folder", "folder that is there"])
def path(request, tmp_path):
    folder = tmp_path / "deep" / "version"
    if request.param == "folder that is there":
        folder.mkdir(parents=True)
    return folder / MAIN


def test_all_files_and_their_digests_are_there(path):
    write(path, "one")
    assert {file.name for file in path.parent.iterdir()} == ALL
    assert [file.name for file in path.parent.parent.iterdir()] == ["version"]
    check_digests([path, path.with_name(MORE)])
    write(path, "two")
    assert {file.name for file in path.parent.iterdir()} == ALL
    check_digests([path, path.with_name(MORE)])
    assert path.read_text() == path.with_name(MORE).read_text() == "two"


@pytest.mark.parametrize("stop", [OSError("disk full"), KeyboardInterrupt()])
def test_a_block_that_fails_leaves_what_was_there(path, stop, tmp_path):
    with pytest.raises(type(stop)):
        write(path, "one", stop)
    assert files(tmp_path) == set()
    write(path, "one")
    with pytest.raises(type(stop)):
        write(path, "two", stop)
    assert files(tmp_path) == ALL
    assert path.read_text() == "one"


def test_nested_writers_keep_their_digests(path):
    with whole_artifact(path) as staged:
        write(staged, "one")
        digests = staged.with_name(f"{MAIN}.sha256").read_bytes()
    assert {file.name for file in path.parent.iterdir()} == ALL
    assert path.with_name(f"{MAIN}.sha256").read_bytes() == digests


@pytest.mark.parametrize("kept", range(4))
def test_a_kill_at_any_rename_leaves_no_mixed_pair(tmp_path, monkeypatch, kept):
    path = tmp_path / MAIN
    write(path, "one")
    renamed, replace = [], os.replace

    def stop(source, target):
        if Path(target).parent == tmp_path:
            if len(renamed) == kept:
                raise KeyboardInterrupt
            renamed.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", stop)
    if kept == len(ALL):
        write(path, "two")
    else:
        with pytest.raises(KeyboardInterrupt):
            write(path, "two")
    assert renamed == [f"{MAIN}.sha256", MORE, MAIN][:kept]
    try:
        check_digests([path, path.with_name(MORE)])
    except DigestError:
        assert 0 < kept < len(ALL)
    else:
        assert path.read_text() == path.with_name(MORE).read_text()


WRITER = """
import sys, time
from pathlib import Path
from bdgf.core.whole_files import whole_artifact
with whole_artifact(Path(sys.argv[1])) as staged:
    staged.write_text("half")
    print("half", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(path):
    """Another process that is in the middle of writing the same artifact."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "half\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_what_a_killed_writer_left_is_cleared_at_the_next_writing(path, writer, tmp_path):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert len(files(tmp_path)) == 2  # half a file and its lock
    assert not path.exists()
    write(path, "one")
    assert files(tmp_path) == ALL
    assert not list(tmp_path.rglob(".*"))


def test_a_writer_that_lives_is_let_alone(path, writer, tmp_path):
    before = files(tmp_path)
    write(path, "one")
    assert files(tmp_path) == ALL | before


def test_names_that_begin_alike_are_others(tmp_path, writer, path):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    before = files(tmp_path)
    write(path.with_name("net"), "other")
    assert before <= files(tmp_path)
