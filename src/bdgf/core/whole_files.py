"""Artifacts of one file or several that appear whole, with their digests, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from uuid import uuid4

from filelock import FileLock

from bdgf.core.digests import digest_path, file_digest, write_digests
from bdgf.core.storage import writing

_MARK = 8
"""Characters that tell the writers of one artifact apart."""


@contextmanager
def whole_artifact(path: Path, needed: int | None = None) -> Iterator[Path]:
    """Lets a block write an artifact in a hidden folder, and moves it to its place at the end.

    Where the folder of `path` is not there yet, or empty, it appears with all its files in one
    step. Else the main file is moved last, and a kill before that leaves digests that the old main
    file does not match: files of two artifacts are never read as one. When the block fails, nothing
    is left. What killed writers of the same name left is cleared away; writers that live are let
    alone.

    Args:
        path: The artifact's main file.
        needed: Bytes that its files will take, where that is known.

    Yields:
        Where to write the main file; whatever else stands in its folder at the end belongs to
        the artifact. The digests are written here, unless the block did.

    Raises:
        StorageError: The disk refuses; what was there before still is.
    """
    with writing(path, needed), _staging(path) as staged:
        yield staged
        if not digest_path(staged).exists():
            files = [staged, *(file for file in _files(staged.parent) if file != staged)]
            write_digests(staged, {file.name: file_digest(file) for file in files})
        _publish(staged, path)


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    # A hidden folder beside, or beside the folder that is to come; gone at the end.
    home = path.parent.parent if _is_to_come(path.parent) else path.parent
    home.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(home, path.name)
    staging = home / f".{path.name}.{uuid4().hex[:_MARK]}.part"
    # Held as long as the folder is there: a folder whose lock is free is a killed writer's.
    lock = FileLock(staging.with_suffix(".lock"))
    lock.acquire(timeout=0)  # nobody else knows it; a disk that refuses says so at once
    try:
        staging.mkdir()
        yield staging / path.name
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        staging.with_suffix(".lock").unlink(missing_ok=True)
        lock.release()


def _publish(staged: Path, path: Path) -> None:
    if _is_to_come(path.parent):
        try:
            os.rename(staged.parent, path.parent)  # an empty folder gives way
            return
        except OSError:  # another writer has made the folder meanwhile
            path.parent.mkdir(parents=True, exist_ok=True)
    # The main file last: it says that the artifact is there. The digests first: from then on an
    # old main file counts as damaged.
    last = {digest_path(staged): 0, staged: 2}
    for file in sorted(_files(staged.parent), key=lambda file: last.get(file, 1)):
        os.replace(file, path.with_name(file.name))


def _is_to_come(folder: Path) -> bool:
    # The top of a disk cannot be renamed to.
    return not folder.exists() or not (any(folder.iterdir()) or os.path.ismount(folder))


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file())


def _clear_leftovers(folder: Path, name: str) -> None:
    for found in folder.glob(f".{escape(name)}.{'?' * _MARK}.lock"):
        try:
            with FileLock(found).acquire(timeout=0):
                shutil.rmtree(found.with_suffix(".part"), ignore_errors=True)
                found.unlink(missing_ok=True)
        except OSError:  # its writer lives, or it is another user's
            continue
