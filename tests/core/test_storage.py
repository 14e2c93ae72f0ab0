"""One line for a disk that refuses, and nothing half-written."""

import errno
import os
from pathlib import Path

import pytest

from bdgf.core.errors import SceneError, StorageError
from bdgf.core.storage import require_space, storage_error, user_error, writing, written_whole
from tests.messages import telling

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
ENORMOUS = 2**60


def test_what_cannot_fit_is_refused_before_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "yet" / "cube.h5"
    require_space(path, 1)
    told = telling(str(path), "full", f"{2**40:,} MiB", "free in", str(tmp_path), "data_folder")
    with pytest.raises(StorageError, match=told):
        require_space(path, ENORMOUS)
    with pytest.raises(StorageError), writing(path, ENORMOUS):
        pytest.fail("begun")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path, partial = tmp_path / "new" / "a.json", tmp_path / "new" / "a.part"
    with written_whole(path, partial) as part:
        part.write_text("first")
        assert not path.exists()
    with pytest.raises(StorageError, match=telling(str(path), "full")) as caught:  # noqa: PT012, SIM117
        with written_whole(path, partial) as part:
            part.write_text("half")
            raise FULL
    assert caught.value.__cause__ is FULL
    with pytest.raises(ZeroDivisionError), written_whole(path, partial) as part:
        part.write_text(str(1 / 0))
    assert [p.read_text() for p in path.parent.iterdir()] == ["first"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("file/a.json", ["a file stands where a folder should be", "file)"]),
        ("file/below/a.json", ["a file stands where a folder should be", "file)"]),
        ("folder", ["a folder stands where the file should be"]),
        ("x" * 300, ["longer than the disk allows"]),
        ("circle/a", ["circle"]),
    ],
)
def test_a_path_that_cannot_be_is_told(tmp_path: Path, name: str, words: list[str]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "in it").mkdir(parents=True)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    path = tmp_path / name
    with pytest.raises(StorageError, match=telling(*words)) as caught:  # noqa: SIM117
        with written_whole(path, path.with_name(path.name + ".part")) as part:
            part.write_text("whole")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.part"))


def test_a_word_to_the_user_and_other_errors_pass(tmp_path: Path) -> None:
    for error in (SceneError("a scene's"), KeyError("a defect")):
        with pytest.raises(type(error)) as caught, writing(tmp_path / "a"):
            raise error
        assert caught.value is error


def test_what_a_disk_refused_is_a_word_to_the_user_wherever_it_was() -> None:
    node = RuntimeError("a node failed")
    node.__cause__ = OSError(errno.EROFS, "Read-only file system", "/data/a")
    told = user_error(node)
    assert isinstance(told, StorageError)
    assert "cannot use /data/a: the disk is read-only" in str(told)
    node.__cause__ = FULL
    assert "cannot write a file: the disk is full" in str(storage_error(node))
    node.__cause__ = RuntimeError("(sqlite3.OperationalError) database or disk is full")
    assert "MLflow's database: the disk is full; free" in str(storage_error(node))  # which disk?
    node.__cause__ = SceneError("the scene's own")
    node.__cause__.__cause__ = FULL
    assert str(user_error(node)) == "the scene's own"  # the part that failed knows more
    assert user_error(KeyError("a defect")) is None
    assert user_error(None) is None
