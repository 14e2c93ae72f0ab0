"""Windows of variables in HDF5, NetCDF 4 and Zarr: only the chunks under a window are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np

from bdgf.scenes.readers.raw_array import BAND, RawArray, WindowsError, X, Y
from bdgf.scenes.readers.reading_limits import check_declared, limits_in_force

_PLACE = (Y, X)
_LARGEST_CHUNK = 2048 * 2048
"""Pixels of a chunk above which windows would unpack the same chunk over and over."""


@dataclass(frozen=True)
class StoredNumbers:
    """A variable that stays in its file; what it is indexed with is read.

    Attributes:
        read: Reads a part of it, given a slice an axis.
        shape: Sizes of all axes.
        dtype: What its numbers are as they are meant.
    """

    read: Callable[[tuple[slice, ...]], np.ndarray]
    shape: tuple[int, ...]
    dtype: np.dtype

    def __getitem__(self, part: tuple[slice, ...]) -> np.ndarray:
        values = self.read(part)
        return values if values.dtype == self.dtype else values.view(self.dtype)


def window_of(
    path: Path,
    what: str,
    stored: StoredNumbers,
    axes: Sequence[str] | None,
    chunks: Sequence[int] | None,
) -> np.ndarray:
    """The part of a variable within the window that is asked for, all bands.

    Args:
        path: The file, for messages.
        what: The variable, for messages.
        stored: The variable, with numbers as they are stored.
        axes: A name an axis, `y` and `x` among them; None where they have none.
        chunks: The chunks' sizes, where it lies in chunks.

    Returns:
        Its axes as stored.

    Raises:
        WindowsError: It can only be read whole.
        SceneError: The part, or a chunk, is more than the limit.
    """
    window = limits_in_force().window
    assert window is not None
    if axes is None:
        raise WindowsError(f"{path}: the axes of {what} have no names: it is read whole")
    limits = {Y: slice(*window[:2]), X: slice(*window[2:])}
    sizes = dict(zip(axes, stored.shape, strict=True))
    if sum(sizes[name] > 1 for name in axes if name not in _PLACE) > 1:
        raise WindowsError(f"{path}: {what} has several axes beside rows and columns")
    part = tuple(limits.get(name, slice(0, sizes[name])) for name in axes)
    if chunks is not None:
        pixels = prod(n for n, name in zip(chunks, axes, strict=True) if name in _PLACE)
        if pixels > _LARGEST_CHUNK:
            raise WindowsError(f"{path}: {what} lies in chunks too large to be read in windows")
        check_declared(path, f"a chunk of {what}", chunks, stored.dtype)
    check_declared(path, what, [p.stop - p.start for p in part], stored.dtype)
    return stored[part]


def in_rows_and_columns(array: RawArray, whole: Sequence[int], axes: Sequence[str]) -> RawArray:
    """A part as windows are handed over: axes (y, x, band), and the size of the whole.

    Args:
        array: The part, with named axes.
        whole: Sizes of the whole variable.
        axes: The names of its axes.

    Raises:
        WindowsError: It has several axes of bands.
    """
    assert array.axes is not None
    others = [i for i, name in enumerate(array.axes) if name not in _PLACE]
    if len(others) > 1:
        raise WindowsError(f"it has the axes {', '.join(array.axes)} and is read whole")
    values = array.values.transpose(array.axes.index(Y), array.axes.index(X), *others)
    values = values if others else values[..., None]
    size = (whole[axes.index(Y)], whole[axes.index(X)])
    return replace(array, values=values, axes=(Y, X, BAND), whole=size)


def asked_for() -> bool:
    """Whether a window is asked for, and not the whole."""
    return limits_in_force().window is not None
