"""Small file systems in memory, to be filled up; for root alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.deadly_moments import used_bytes

PAGE = os.sysconf("SC_PAGE_SIZE")
"""A file in memory takes whole pages."""
_ROOMY = 2**30


@cache
def is_offered() -> bool:
    """Whether this process may mount a file system in memory."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with TemporaryDirectory() as folder:
        try:
            with mounted(Path(folder)):
                return True
        except subprocess.CalledProcessError:  # a container without the right to
            return False


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """A roomy file system in memory at a folder, with what the folder held."""
    held = folder.with_name(f"{folder.name}.held")
    folder.rename(held)
    folder.mkdir()
    try:
        _system("mount", "-t", "tmpfs", "-o", f"size={_ROOMY}", "bdgf-faults", str(folder))
        try:
            _system("cp", "-a", f"{held}/.", str(folder))
            yield
        finally:
            _system("umount", "--lazy", str(folder))
    finally:
        folder.rmdir()
        held.rename(folder)


def leave_free(folder: Path, free: int) -> None:
    """Shrinks a mounted file system so that so many bytes, in whole pages, are free."""
    _resize(folder, used_bytes(folder) + free // PAGE * PAGE)


def grow(folder: Path) -> None:
    """Makes a mounted file system roomy again."""
    _resize(folder, _ROOMY)


def _resize(folder: Path, size: int) -> None:
    # None of it may be 0: that means without limit.
    _system("mount", "-o", f"remount,size={max(size, PAGE)}", str(folder))


def _system(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
