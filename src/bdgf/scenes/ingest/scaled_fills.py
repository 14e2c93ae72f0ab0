"""Undeclared fill values in scaled numbers, found before scaling hides them."""

from __future__ import annotations

import logging

import numpy as np

from bdgf.scenes.config import Modality
from bdgf.scenes.fill_values import is_customary_fill
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.readers.raw_array import RawArray
from bdgf.scenes.sources import ImageSource

log = logging.getLogger(__name__)

_DISTANCE = 2.0  # of the spread of all other numbers: a measured tail does not jump that far
_TIMES = 4.0  # the greatest of all other numbers


def warn_of_fills(
    found: FoundArray[ImageSource],
    modality: Modality,
    array: RawArray,
    bands: np.ndarray,
    masked: np.ndarray | None,
) -> None:
    """Warns of the first band whose least or greatest stored number seems to mean "no data".

    Args:
        found: The modality's files, for the message.
        modality: Its configuration.
        array: One of the files, (y, x, band), whose numbers are scaled.
        bands: Its bands that are taken.
        masked: (y, x) or (y, x, band) bool, what a mask hides.
    """
    least = np.fmin.reduce(array.values, axis=(0, 1))
    greatest = np.fmax.reduce(array.values, axis=(0, 1))
    first, last = array.valid_range or (-np.inf, np.inf)
    given = modality.nodata if isinstance(modality.nodata, tuple) else ()
    for band in bands.tolist():
        known = (*given, *array.nodata[band if len(array.nodata) > 1 else 0])
        for number in (least[band], greatest[band]):
            if not is_customary_fill(np.array(number, np.float32)) or float(number) in known:
                continue
            stored = array.values[..., band]
            if masked is not None:
                stored = stored[~(masked if masked.ndim == 2 else masked[..., band])]
            holds = (stored == number) & (first <= stored) & (stored <= last)
            others = stored[np.isfinite(stored) & ~np.isin(stored, [number, *known])]
            if not holds.any() or not others.size:
                continue
            if _is_far(float(number), float(others.min()), float(others.max())):
                _warn(found, band, number, holds, others)
                return


def _is_far(number: float, least: float, greatest: float) -> bool:
    if number < 0 <= least:
        return True
    if number > 0:  # sensors saturate at limits of types
        return number >= _TIMES * max(abs(least), abs(greatest))
    return least - number >= _DISTANCE * max(greatest - least, 1.0)


def _warn(
    found: FoundArray[ImageSource],
    band: int,
    number: np.generic,
    holds: np.ndarray,
    others: np.ndarray,
) -> None:
    log.warning(
        "%s: band %d of the file (counted from 0) holds %g as stored (%d pixels), which looks like "
        "a fill value, the others are %g to %g: scaled like these; where it means no data, set "
        "`nodata: %g` for the modality",
        found.about,
        band,
        number,
        holds.sum(),
        others.min(),
        others.max(),
        number,
    )
