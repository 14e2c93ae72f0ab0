"""Writing to a disk that may be full, read-only or not there: one line, nothing half-written."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bdgf.core.errors import StorageError, UserError
from bdgf.core.storage_reason import NAMES, StorageReason, chain, storage_reason

MARGIN = 1.05
"""Room is asked for this many times the size: headers, and a folder's own entries."""

_KIB, _MIB = 2**10, 2**20
_FEW = 10
"""Sizes under so many MiB are told in KiB."""
_ROOM = (
    "free some space there, or put the project's data elsewhere (parameters data_folder, "
    "working_folder, cache.folder), then type the same command again"
)
_OTHERWISE = "fix that or name another folder, then type the same command again"


def require_space(path: Path, needed: int) -> None:
    """Refuses a file that cannot fit, before time is spent on it.

    Args:
        path: The file; its folder need not be there yet.
        needed: Bytes that it will take.

    Raises:
        StorageError: Less than that, and a margin, is free.
    """
    if needed * MARGIN > _free(path):
        raise _full(StorageReason(errno.ENOSPC), path, needed)


@contextmanager
def writing(path: Path, needed: int | None = None) -> Iterator[None]:
    """Reports disk errors during writing in one line.

    Args:
        path: The file.
        needed: Bytes that it will take, where that is known: refused at once if they are not free.

    Raises:
        StorageError: The disk is full, read-only or broken, or the path cannot be.
    """
    if needed is not None:
        require_space(path, needed)
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = storage_reason(error)
        if reason is None:
            raise
        raise _told(reason, path, needed) from error


@contextmanager
def written_whole(path: Path, partial: Path, needed: int | None = None) -> Iterator[Path]:
    """Gives a temporary name to write to; the file is renamed when the block succeeds.

    Args:
        path: The file.
        partial: The temporary name, in the same folder.
        needed: As in `writing`.

    Raises:
        StorageError: As in `writing`; nothing of the file is left.
    """
    with writing(path, needed):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def storage_error(error: BaseException | None) -> StorageError | None:
    """The one line for what a disk refused, wherever in a command that was; None for all else."""
    reason = storage_reason(error)
    if reason is None:
        return None
    path = Path(reason.path) if reason.path else None
    return _told(reason, path, None)


def user_error(error: BaseException | None) -> UserError | None:
    """The word to the user in a chain of causes; what a disk refused is one.

    Frameworks wrap what a part of them raises; the user's line is further down the chain.
    """
    known = (cause for cause in chain(error) if isinstance(cause, UserError))
    return next(known, None) or storage_error(error)


def _told(reason: StorageReason, path: Path | None, needed: int | None) -> StorageError:
    if reason.full:
        return _full(reason, path, needed)
    if path is None:
        return StorageError(f"a file cannot be written or read: {reason.words}; {_OTHERWISE}")
    return StorageError(
        f"cannot use {_short(path)}: {reason.words}{_in_the_way(reason, path)}; {_OTHERWISE}"
    )


def _full(reason: StorageReason, path: Path | None, needed: int | None) -> StorageError:
    # What is free is told where the disk is the limit; a quota or a limit of the system is not it.
    known = f" (it needs {_size(needed)})" if needed is not None else ""
    if path is not None and reason.path not in NAMES and reason.code == errno.ENOSPC:
        free, folder = _free(path), _nearest(path.parent)
        enough = needed is None or needed <= free  # so it was thought
        size = f"more than the {_size(free)}" if enough else f"{_size(needed or 0)}, {_size(free)}"
        known = f" (it needs {size}{' that are' if enough else ''} free in {folder})"
    name = _short(path) if path is not None else "a file"
    return StorageError(f"cannot write {name}: {reason.words}{known}; {_ROOM}")


def _in_the_way(reason: StorageReason, path: Path) -> str:
    if reason.code not in (errno.ENOTDIR, errno.EEXIST):
        return ""
    for folder in reversed([path, *path.parents]):
        if os.path.lexists(folder) and not folder.is_dir():
            return f" ({folder})"
    return ""


def _short(path: Path) -> str:
    # Whoever reads of a name that is too long needs no more of it than its beginning.
    text, longest = str(path), 300
    return text if len(text) <= longest else f"{text[:longest]}..."


def _free(path: Path) -> int:
    return shutil.disk_usage(_nearest(path.parent)).free


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    for candidate in (folder, *folder.parents):
        try:
            if candidate.is_dir():
                return candidate
        except OSError:  # a name too long, a folder that may not be looked into
            continue
    return Path()


def _size(size: int) -> str:
    many = size >= _FEW * _MIB
    return f"{size / _MIB:,.0f} MiB" if many else f"{size / _KIB:,.0f} KiB"
