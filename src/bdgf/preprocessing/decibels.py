"""Whether values that are to be taken to decibels are intensities: none of these is negative."""

from __future__ import annotations

import logging

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.preprocessing.pixel_chunks import stored_chunks

log = logging.getLogger(__name__)

_MOST_NEGATIVE = 0.5
"""Share of a band above which its negative values are no noise: subtracted from intensities, it
leaves half of the values below zero where there is nothing else."""
_LEAST_POSITIVE = 0.01
"""Share of a band below which its positive values are too few to tell of the others."""


def check_intensities(modality: xr.DataArray, mask: np.ndarray, floor: float) -> None:
    """Refuses bands that cannot be intensities; warns of values that have no logarithm.

    Args:
        modality: (y, x, band) values, to be taken to decibels.
        mask: (H, W) bool, the pixels that count.
        floor: Least intensity before the logarithm, for the warning.

    Raises:
        SceneError: Most values of a band are negative, as decibels are; or hardly any is positive.
    """
    bands, total = modality.shape[-1], int(mask.sum())
    negative, zero = np.zeros(bands, int), np.zeros(bands, int)
    for _, pixels in stored_chunks(modality, mask):
        negative += (pixels < 0).sum(axis=0)
        zero += (pixels == 0).sum(axis=0)
    name, positive = modality.name, total - negative - zero
    worst = int(negative.argmax())
    if negative[worst] > _MOST_NEGATIVE * total:
        raise SceneError(
            f"modality {name}: {negative[worst] / total:.1%} of the values of band {worst} "
            "(counted from 0) are negative: they look like decibels already, no intensity is "
            "negative; set `to_decibels: false` for the modality in the scene's file"
        )
    rarest = int(positive.argmin())
    if positive[rarest] < _LEAST_POSITIVE * total:
        raise SceneError(
            f"modality {name}: only {positive[rarest]} of the {total} values of band {rarest} "
            "(counted from 0) are positive, too few to take to decibels; correct the file, or "
            "in the scene's file leave the band out with `channels`, set `nodata` or "
            "`to_decibels: false`"
        )
    if (negative + zero).any():
        _warn(modality, negative, zero, total, floor)


def _warn(
    modality: xr.DataArray, negative: np.ndarray, zero: np.ndarray, total: int, floor: float
) -> None:
    below = negative + zero
    most = int(below.argmax())
    others = int((below > 0).sum()) - 1
    remedy = (
        "where these are decibels already, set `to_decibels: false`"
        if negative[most] > zero[most]
        else "where 0 means no data, set `nodata: 0`"
    )
    log.warning(
        "modality %s: %d values (%.2g %%) of band %d (counted from 0) have no decibels: "
        "%d negative, %d zero%s; they count as %g; %s for the modality in the scene's file",
        modality.name,
        below[most],
        100 * below[most] / total,
        most,
        negative[most],
        zero[most],
        f" ({others} more bands hold such)" if others else "",
        floor,
        remedy,
    )
