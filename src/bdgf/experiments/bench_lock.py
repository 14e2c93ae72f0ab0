"""One bench, or one search, at a time in a folder of working files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bdgf.core.errors import SettingsError
from bdgf.core.storage import writing


@contextmanager
def alone_in(folder: Path, what: str = "bench") -> Iterator[None]:
    """Locks a folder against others of its kind while the block runs.

    The lock is the operating system's: that of a killed one is free again.

    Args:
        folder: The folder; made where it is not there.
        what: What is alone in it, as users call it.

    Raises:
        SettingsError: Another one is under way in it; the message names its process.
        StorageError: The folder cannot be made.
    """
    with writing(folder / f"{what}.lock"):
        folder.mkdir(parents=True, exist_ok=True)
        lock, owner = FileLock(folder / f"{what}.lock"), folder / f"{what}.pid"
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise SettingsError(
                f"another {what} is under way in {folder} (process {_read(owner)}); wait for its "
                "end, or give this one a working_folder of its own in conf/local/globals.yml"
            ) from error
    try:
        with writing(owner):
            owner.write_text(f"{os.getpid()}\n")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _read(owner: Path) -> str:
    try:
        return owner.read_text().strip() or "unknown"
    except OSError:  # about to be written, or to be gone
        return "unknown"
