"""The one line that tells of a modality's wild values, and what to do about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bdgf.preprocessing.wild_values import WildBand
from bdgf.scenes.classes import listing

_MOST_TOLD = 3  # bands, or groups of bands alike, that one line can hold


def wild_warning(name: str, bands: Sequence[WildBand], pixels: int) -> str:
    """Which bands hold what, and the setting that mends it.

    Args:
        name: The modality.
        bands: Its bands with wild values, one at least.
        pixels: How many pixels are left out of the statistics for it.
    """
    alike: dict[tuple[tuple[float, ...], int], list[WildBand]] = {}
    for wild in bands:
        alike.setdefault((wild.values, wild.pixels), []).append(wild)
    told = [_told(group) for group in list(alike.values())[:_MOST_TOLD]]
    left = len(bands) - sum(len(group) for group in list(alike.values())[:_MOST_TOLD])
    more = [f"{left} more bands hold such values"] if left else []
    numbers = {value for wild in bands for value in wild.values}
    nodata = _number(min(numbers)) if len(numbers) == 1 else "<value>"
    return (
        f"modality {name}: {'; '.join(told + more)}: left out of the statistics (pixels in all: "
        f"{pixels}); where this means no data, set `nodata: {nodata}` for the "
        "modality in the scene's file"
    )


def _told(group: Sequence[WildBand]) -> str:
    first = group[0]
    values = _number(first.values[0])
    if len(first.values) > 1:
        values = f"{len(first.values)} values from {values} to {_number(first.values[-1])}"
    count = f"{first.pixels} pixel{'s' * (first.pixels > 1)}{' each' * (len(group) > 1)}"
    fill = ", looks like a fill value" if first.looks_like_fill else ""
    if len(group) > 1:
        bands = listing((wild.band for wild in group), most=10)
        return f"bands {bands} (counted from 0) hold {values} ({count}{fill})"
    least, greatest = first.ordinary
    return (
        f"band {first.band} (counted from 0) holds {values} ({count}{fill}), the others are "
        f"{least:g} to {greatest:g}"
    )


def _number(value: float) -> str:
    """A float32 number in as few digits as tell it."""
    return f"{float(str(np.float32(value))):.10g}"
