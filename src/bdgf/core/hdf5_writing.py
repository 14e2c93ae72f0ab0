"""HDF5 files on a disk that may be full: see `GuardedFile`."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import h5py

from bdgf.core.guarded_file import guarded
from bdgf.core.storage import writing

_BYTES_OF_A_BLOCK = 512  # what `st_blocks` counts in, on every disk
_NO_ALLOCATION = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


@contextmanager
def hdf5_for_writing(path: Path, mode: Literal["w", "r+"]) -> Iterator[h5py.File]:
    """An HDF5 file to write to, new or as it is there.

    Raises:
        StorageError: The disk refused something; the file is closed, and the process goes on.
    """
    with (
        writing(path),
        guarded(path, {"w": "w+b", "r+": "r+b"}[mode]) as raw,
        h5py.File(raw, mode) as file,
    ):
        yield file


def allocate(path: Path, name: Path) -> None:
    """Reserves the disk space of a whole file before its blocks are written.

    From then on the disk cannot be too full for what is written into it.

    Args:
        path: The file, of its final length.
        name: What messages call it.

    Raises:
        StorageError: There is not so much room.
    """
    state = path.stat()
    missing = max(0, state.st_size - state.st_blocks * _BYTES_OF_A_BLOCK)
    with writing(name, missing):
        if not missing or not hasattr(os, "posix_fallocate"):
            return
        with path.open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, state.st_size)
            except OSError as error:
                if error.errno not in _NO_ALLOCATION:  # some disks know no such thing
                    raise
