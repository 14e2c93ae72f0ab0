"""Why a disk or a folder failed, found from any exception that mentions it.

Libraries wrap the operating system's error in their own types, or print its number in a text.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors that mean: there is no room for the file."""

_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your quota on this disk is used up",
    errno.EFBIG: "the file is larger than the disk or a limit of the system allows",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "the system does not permit it",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.EISDIR: "a folder stands where the file should be",
    errno.EEXIST: "a file stands where a folder should be",
    errno.ENOTEMPTY: "a folder stands where the file should be",
    errno.ENAMETOOLONG: "a name in the path is longer than the disk allows",
    errno.ELOOP: "links in the path lead in a circle",
    errno.EIO: "the disk reports an error of its own",
    errno.ESTALE: "the network disk has lost the file",
    errno.ENOENT: "it can neither be opened nor made",
}
_ASK_ANYWHERE = (*FULL, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENAMETOOLONG)
# Those have a meaning without a file too (a signal that may not be sent): they count with one.
_ASK_WITH_A_FILE = tuple(code for code in _WORDS if code not in (*_ASK_ANYWHERE, errno.ENOENT))

_NUMBER = re.compile(r"\b(?:errno = |os error |Errno )(\d+)")
_DATABASE = "MLflow's database"
_TEMPORARY = "the folder of temporary files (TMPDIR)"
NAMES = (_DATABASE, _TEMPORARY)
"""Names in the place of a path, where an exception does not say which file it was."""
_TEXTS: dict[str, tuple[int, str | None]] = {
    **{
        os.strerror(code).lower(): (code, None)
        for code in (*_ASK_ANYWHERE, errno.EACCES, errno.ENOTDIR)
    },
    "database or disk is full": (errno.ENOSPC, _DATABASE),
    "attempt to write a readonly database": (errno.EROFS, _DATABASE),
    "unable to open database file": (errno.ENOENT, _DATABASE),
    "disk i/o error": (errno.EIO, _DATABASE),
    "no usable temporary directory found": (errno.ENOENT, _TEMPORARY),
    # PyTorch's archive writer, where the file took less than it was given.
    "pytorchstreamwriter failed writing": (errno.ENOSPC, None),
    "unexpected pos ": (errno.ENOSPC, None),
}
_SQLITE = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.ENOENT,
}
_PRIMARY_CODE = 0xFF  # SQLite's extended codes hold the primary one in their lowest byte
_HDF5_FILE = re.compile(r"filename = '([^']+)'")


@dataclass(frozen=True)
class StorageReason:
    """Why a disk or a folder refused.

    Attributes:
        code: The operating system's number (`errno`).
        path: The file or folder, where the exception names it.
    """

    code: int
    path: str | None = None

    @property
    def words(self) -> str:
        """The reason in words."""
        return _WORDS[self.code]

    @property
    def full(self) -> bool:
        """Whether more room would help."""
        return self.code in FULL


def storage_reason(error: BaseException | None) -> StorageReason | None:
    """What a disk or a folder refused, where an exception or one of its causes tells of that.

    Args:
        error: Any exception; its causes are asked from the outermost inward.

    Returns:
        The reason; None where the exception is about something else.
    """
    for cause in chain(error):
        found = _reason(cause)
        if found is not None:
            return found
    return None


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, its cause, the cause's cause and so on; each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        hidden = error.__suppress_context__
        error = error.__cause__ or (None if hidden else error.__context__)


def _reason(error: BaseException) -> StorageReason | None:
    if isinstance(error, OSError) and error.errno is not None:
        return _of_system(error, error.errno)
    if isinstance(error, sqlite3.Error):
        code = _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE)
        return StorageReason(code, _DATABASE) if code is not None else None
    if isinstance(error, OSError | RuntimeError) or type(error).__module__.split(".")[0] in (
        *("safetensors", "safetensors_rust", "sqlalchemy", "mlflow", "rasterio"),
        *("matplotlib", "h5netcdf", "netCDF4", "pyarrow", "skops"),
    ):
        return _of_text(str(error))
    return None


def _of_system(error: OSError, code: int) -> StorageReason | None:
    path = error.filename2 or error.filename
    path = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else None
    if path is None and (found := _HDF5_FILE.search(str(error))):
        path = found[1]
    if code in _ASK_ANYWHERE or (path is not None and code in _ASK_WITH_A_FILE):
        return StorageReason(code, path)
    return _of_text(str(error)) if code == errno.ENOENT else None


def _of_text(text: str) -> StorageReason | None:
    path = found[1] if (found := _HDF5_FILE.search(text)) else None
    for number in _NUMBER.findall(text):
        if int(number) in (*_ASK_ANYWHERE, *_ASK_WITH_A_FILE):
            return StorageReason(int(number), path)
    told = text.lower()
    for words, (code, what) in _TEXTS.items():
        if words in told:
            return StorageReason(code, path or what)
    return None
