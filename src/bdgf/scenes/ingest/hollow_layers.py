"""Metadata of a scene's layers, before their values are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bdgf.raster.windows import Window
from bdgf.scenes.ingest.found_array import FoundArray, SourceT
from bdgf.scenes.readers.raw_array import BAND, WindowsError, X, Y

FIRST = Window(slice(0, 1), slice(0, 1))
"""A part that tells what a file declares."""


def hollow(found: FoundArray[SourceT]) -> FoundArray[SourceT]:
    """The arrays at the size of their files, without values and without the memory for them.

    Args:
        found: A part of each file, which tells its `whole`.

    Raises:
        WindowsError: The files are read whole.
    """
    arrays = []
    for array in found.arrays:
        if array.alpha is not None or found.source.axes is not None:
            raise WindowsError(f"{found.about}: its alpha band or axes want all of it")
        if array.whole is None or array.axes != (Y, X, BAND):
            raise WindowsError(f"{found.about}: it does not say how its axes lie")
        shape = (*array.whole, array.values.shape[2])
        nothing = np.broadcast_to(np.zeros((), array.values.dtype), shape)
        arrays.append(replace(array, values=nothing, masked=None))
    return replace(found, arrays=tuple(arrays))


def lie_alike(before: FoundArray[Any], after: FoundArray[Any]) -> bool:
    """Whether no array was turned."""
    pairs = zip(before.arrays, after.arrays, strict=True)
    return all(one.transform == other.transform for one, other in pairs)
