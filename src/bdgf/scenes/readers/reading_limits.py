"""Limits for reading one file: memory, time and allowed folders."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from pydantic import Field

from bdgf.core.errors import SceneError
from bdgf.core.machine_memory import GIB, machine_memory
from bdgf.core.settings import Settings

_SHARE = 0.5  # of the machine's memory, for one array as it is stored


class ReadingSettings(Settings):
    """Limits for reading raw files."""

    most_gib: float | None = Field(
        None,
        gt=0,
        description="Maximum memory in GiB for one array of a file as stored, and for a "
        "scene with a resampled layer that is read whole; null: half of the memory of the "
        "machine or container",
    )
    most_seconds: float = Field(
        900, gt=0, description="Maximum time in seconds to read one array of a file"
    )
    isolated: bool = Field(
        True,
        description="Whether files other than NumPy's are read in a separate process, so "
        "that a damaged file cannot crash the run; `most_seconds` applies only "
        "then",
    )


@dataclass(frozen=True)
class ReadingLimits:
    """Limits of one reading.

    Attributes:
        most_bytes: Of one array as it is stored.
        seconds: Of the whole reading.
        folders: The scene's folders; names inside a file lead nowhere else. The file's own folder
            always is one of them.
        window: First and last row (excluded), first and last column of the part that is read;
            None for all. Rasters and variables of HDF5, NetCDF 4 and Zarr are read in parts.
    """

    most_bytes: int
    seconds: float
    folders: tuple[Path, ...] = ()
    window: tuple[int, int, int, int] | None = None

    @classmethod
    def of(
        cls,
        settings: ReadingSettings,
        folders: Sequence[Path] = (),
        window: tuple[int, int, int, int] | None = None,
    ) -> ReadingLimits:
        """The limits that settings mean on this machine."""
        most = _default_bytes() if settings.most_gib is None else int(settings.most_gib * GIB)
        return cls(most, settings.most_seconds, tuple(folders), window)


@cache
def _default_bytes() -> int:
    return int(machine_memory() * _SHARE)


_IN_FORCE: ContextVar[ReadingLimits | None] = ContextVar("reading limits", default=None)


def limits_in_force() -> ReadingLimits:
    """The limits of the reading that is going on, or those of the default settings."""
    return _IN_FORCE.get() or ReadingLimits.of(ReadingSettings())


@contextmanager
def reading_limits(limits: ReadingLimits) -> Iterator[None]:
    """Applies limits to everything read inside the block."""
    token = _IN_FORCE.set(limits)
    try:
        yield
    finally:
        _IN_FORCE.reset(token)


def check_declared(
    path: Path, what: str, shape: Sequence[int], item: int | np.dtype, held: int | None = None
) -> None:
    """Checks the size that a file declares before memory is allocated.

    Args:
        path: The file.
        what: What declares the size, for the message.
        shape: The declared sizes.
        item: Bytes of a number, or its dtype.
        held: Bytes that the file can hold of it where it is not compressed; None: unknown.

    Raises:
        SceneError: The file is too short for it, or it is more than the limit.
    """
    sizes = [int(size) for size in shape]
    itemsize = item if isinstance(item, int) else item.itemsize
    declared = math.prod(sizes) * itemsize
    words = f"{path}: {what} declares {'x'.join(map(str, sizes)) or 1} numbers"
    if min([0, *sizes]) < 0:
        raise SceneError(f"{words}; the file is damaged: copy or download it again")
    if held is not None and declared > held:
        raise SceneError(
            f"{words}, {declared} bytes, but there are only {held}; the file is damaged or cut "
            "short: copy or download it again"
        )
    most = limits_in_force().most_bytes
    if declared > most:
        raise SceneError(
            f"{words}, {declared / GIB:.3g} GiB, more than the limit of {most / GIB:.3g} GiB; if "
            f"the file is right, raise it: --params ingest.most_gib={math.ceil(declared / GIB)}; "
            "else the file is damaged: copy or download it again"
        )
