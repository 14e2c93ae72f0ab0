"""What a disk refused, in whatever words a library tells of it."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from bdgf.core.storage_reason import StorageReason, chain, storage_reason


@pytest.mark.parametrize(
    ("error", "code", "path"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), errno.ENOSPC, None),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), errno.EDQUOT, None),
        (OSError(errno.EFBIG, "File too large"), errno.EFBIG, None),
        (OSError(errno.EROFS, "Read-only file system", "a"), errno.EROFS, "a"),
        (OSError(errno.EACCES, "Permission denied", b"a"), errno.EACCES, "a"),
        (OSError(errno.EPERM, "Operation not permitted", "a"), errno.EPERM, "a"),
        (OSError(errno.ENOTDIR, "Not a directory", Path("a")), errno.ENOTDIR, "a"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "a"), errno.ENAMETOOLONG, "a"),
        (OSError(errno.ENOSPC, "No space", "from", None, "to"), errno.ENOSPC, "to"),
        # h5py, at writing and at closing
        (
            OSError(28, "Can't close file (file write failed, filename = 'a.nc', errno = 28"),
            errno.ENOSPC,
            "a.nc",
        ),
        (RuntimeError("file write failed: filename = 'a.h5', errno = 28, ..."), 28, "a.h5"),
        # safetensors
        (RuntimeError("I/O error: No space left on device (os error 28)"), errno.ENOSPC, None),
        # PyTorch
        (RuntimeError("[enforce fail at inline_container.cc] . unexpected pos 64 vs 0"), 28, None),
        (RuntimeError("PytorchStreamWriter failed writing file data/0: ..."), 28, None),
        # GDAL, without the number
        (OSError("Write operation failed: No space left on device"), errno.ENOSPC, None),
        (OSError("Creation of 'a.tif' failed: Read-only file system"), 30, None),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), 2,
         "the folder of temporary files (TMPDIR)"),
    ],
)  # fmt: skip
def test_every_wording_is_known(error: Exception, code: int, path: str | None) -> None:
    assert storage_reason(error) == StorageReason(code, path)


@pytest.mark.parametrize(
    "error",
    [
        None,
        ValueError("No space left on device is what the manual says"),
        KeyError("Read-only file system"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "a"),
        RuntimeError("I/O error: No such file or directory (os error 2)"),
        PermissionError(errno.EPERM, "Operation not permitted"),  # of a signal, not of a file
        OSError("a line of CSV is damaged"),
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        RuntimeError("CUDA error: errno = 700"),
    ],
)
def test_what_is_about_something_else_is_none(error: Exception | None) -> None:
    assert storage_reason(error) is None


def test_sqlite_tells_by_its_code(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(tmp_path / "no folder" / "a.db").execute("select 1")
    found = storage_reason(caught.value)
    assert found is not None
    assert found.path == "MLflow's database"
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as database:
        database.execute("create table a (b)")
        database.execute("pragma max_page_count=2")
        with pytest.raises(sqlite3.OperationalError) as full:
            database.executemany("insert into a values (?)", [("x" * 1000,)] * 100)
    database.close()
    found = storage_reason(full.value)
    assert found is not None
    assert found.full


def test_causes_are_asked_and_a_circle_of_them_ends() -> None:
    inner, outer = OSError(errno.EROFS, "Read-only file system", "a"), ValueError("a node failed")
    outer.__cause__, inner.__context__ = inner, outer
    assert list(chain(outer)) == [outer, inner]
    assert storage_reason(outer) == StorageReason(errno.EROFS, "a")
    outer.__cause__, outer.__context__, outer.__suppress_context__ = None, inner, True
    assert storage_reason(outer) is None  # raised `from None`: no cause of it


def test_every_reason_has_words() -> None:
    assert all(StorageReason(code).words for code in (errno.ENOSPC, errno.EIO, errno.ENOENT))
    assert os.strerror(errno.ENOSPC)
