"""Arrays in unnamed files: their pages are in memory only while they are used."""

from __future__ import annotations

import mmap
import os
import tempfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bdgf.core.storage import require_space, writing


def mapped_array(shape: tuple[int, ...], dtype: Any, folder: Path | None = None) -> np.ndarray:
    """An array of zeros in a file, which goes when the array does or the process ends.

    Args:
        shape: Its shape.
        dtype: Its dtype.
        folder: Where the file is; None for the system's folder of large temporary files.

    Raises:
        StorageError: The disk has no room for it.
    """
    kind = np.dtype(dtype)
    size = max(prod(shape) * kind.itemsize, 1)
    place = Path(folder) if folder is not None else _large_files()
    with writing(place / "array"):
        place.mkdir(parents=True, exist_ok=True)
        require_space(place / "array", size)
        with tempfile.TemporaryFile(dir=place) as file:
            file.truncate(size)
            pages = mmap.mmap(file.fileno(), size)
    return np.frombuffer(pages, kind, prod(shape)).reshape(shape)


def _large_files() -> Path:
    # The plain temporary folder may itself lie in memory, /var/tmp does not.
    large = Path("/var/tmp")
    if "TMPDIR" not in os.environ and large.is_dir() and os.access(large, os.W_OK):
        return large
    return Path(tempfile.gettempdir())


def is_mapped(array: np.ndarray) -> bool:
    """Whether an array is one of `mapped_array`, or a view of one."""
    return _pages(array) is not None


def release(array: np.ndarray) -> None:
    """Lets go of an array's pages in memory, if it is mapped: they are read again when needed."""
    pages = _pages(array)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):  # what was written stays in the file
        pages.madvise(mmap.MADV_DONTNEED)


def _pages(array: Any) -> mmap.mmap | None:
    while isinstance(array, np.ndarray):
        array = array.base
    if isinstance(array, memoryview):
        array = array.obj
    return array if isinstance(array, mmap.mmap) else None
