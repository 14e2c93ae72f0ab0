"""Declarations of a raw file about each band, as overridden by the scene's file."""

from __future__ import annotations

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.config import Modality, NodataSetting
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.readers.raw_array import RawArray
from bdgf.scenes.sources import ImageSource

# Numbers as great as 1e30 are fill values; files give them with 6 digits or more.
_HUGE, _HUGE_TOLERANCE = 1e30, 1e-5
_EXACT = 2**53  # whole numbers up to here are exact in float64


def is_nodata(stored: np.ndarray, nodata: np.ndarray) -> np.ndarray:
    """Where stored numbers mean "no data".

    Args:
        stored: (..., bands), any real dtype.
        nodata: (numbers, bands); NaN stands for none.
    """
    found = np.zeros(stored.shape, bool)
    for numbers in nodata:
        if stored.dtype.kind == "f":
            with np.errstate(over="ignore"):
                numbers = numbers.astype(stored.dtype)
        found |= stored == numbers
        if stored.dtype.kind == "f" and (np.abs(numbers) >= _HUGE).any():
            with np.errstate(all="ignore"):
                near = np.abs(stored / numbers - 1) < _HUGE_TOLERANCE
            found |= near & (np.abs(numbers) >= _HUGE)
    return found


def scale_and_offset(
    array: RawArray, setting: str | float, bands: int
) -> tuple[np.ndarray, np.ndarray]:
    """(bands,) factors and (bands,) offsets as the scene's file wants them applied."""
    if setting == "stored":
        return np.broadcast_to(array.scale, bands), np.broadcast_to(array.offset, bands)
    factor = 1.0 if setting == "none" else float(setting)
    return np.full(bands, factor), np.zeros(bands)


def check_lists(found: FoundArray[ImageSource], modality: Modality, array: RawArray) -> None:
    """Checks that per-band metadata have as many entries as there are bands.

    Of unnamed axes the reader does not know which is the bands'.
    """
    bands = array.values.shape[2]
    lists: list[tuple[str, int]] = []
    if modality.nodata != "none":
        lists.append(("nodata", len(array.nodata)))
    if found.source.scale == "stored":
        lists += [("scale", len(array.scale)), ("offset", len(array.offset))]
    for name, length in lists:
        if length not in (1, bands):
            settings = "`nodata: none`" if name == "nodata" else "`scale: none` or a number"
            raise SceneError(
                f"{found.about} has {bands} bands, but the file gives {length} numbers as "
                f"{name}; check the order of axes (`axes:`), or say {settings}"
            )


def nodata_table(array: RawArray, setting: NodataSetting, bands: int) -> np.ndarray:
    """(numbers, bands) of what the file declares and what the scene's file adds, NaN for none."""
    declared = () if setting == "none" else array.nodata
    given = setting if isinstance(setting, tuple) else ()
    by_band = [(*one, *given) for one in (declared or ((),))]
    if len(by_band) == 1:
        by_band *= bands
    # Beyond 2**53 only Python's numbers are exact.
    exact = any(abs(n) > _EXACT for one in by_band for n in one if isinstance(n, int))
    table = np.full((max(map(len, by_band)), bands), np.nan, object if exact else np.float64)
    for band, numbers in enumerate(by_band):
        table[: len(numbers), band] = numbers
    return table
