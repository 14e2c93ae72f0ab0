"""Wild values: fill values that are not declared, and pixels that no sensor measured.

One of 1e20 among reflectances would rule every mean, variance and covariance. A wild pixel is left
out of the statistics; it is transformed and clipped like any other. What is wild is decided band
by band, and so that nothing that was measured can be, however heavy its tail:

- a customary fill value (`fill_values`) outside the range of all other values: a negative one where
  nothing else is negative, or twice as far from their median as any of them on its side; a positive
  one four times as far, since sensors saturate at limits of types. A measured tail does not stop
  on the way and go on at that very number;
- any other value beyond an empty gap: a thousand times as far from the median as the next value
  inside, and as 95 % of the pixels; a hundred times where it is one number that ten pixels hold,
  since no tail repeats itself. Tails of intensities (linear SAR, LiDAR) reach 1e4 times their
  median step by step; between the two greatest of even a Cauchy distribution a gap of a thousand
  has a probability of 1e-3, and a single pixel that is closer hardly moves a clipped band. The gap
  is 1000 in the band's units at least, so that a few buildings on ground that is flat but for
  rounding, or rare counts among zeros, are none.

Where most pixels hold one number, spans are zero: the rest of the rare values is then the measure,
and a band of two numbers has none: it is a mask, unless its second number is a negative fill value
or larger than any code or count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bdgf.preprocessing.pixel_chunks import stored_chunks
from bdgf.scenes.fill_values import is_customary_fill

_NEGATIVE_DISTANCE, _POSITIVE_DISTANCE = 2.0, 4.0  # of the reach of all other values: see above
_GAP, _GAP_OF_REPEATED = 1000.0, 100.0  # of the next value inside: see above
_REPEATED = 10  # pixels that hold one number
_LEAST_GAP = 1000.0  # in units of the band: no height or decibel is this far from the others
_LARGEST_RARE = 1e9  # no code or count that only few pixels hold is larger
_MOST_STRANGERS = 0.05  # share of pixels: a twentieth of a scene beyond a gap may be a class
_MOST_FILLS = 0.9  # share of pixels: the others must be enough to tell what is far from them

_SAMPLE = 10_000  # pixels that say which bands are looked at closely
_SUSPICION = 0.1  # of a gap arouses suspicion: a sample's median and span are off by far less


@dataclass(frozen=True)
class WildBand:
    """The wild values of one band.

    Attributes:
        band: The band, counted from 0.
        values: The different wild values, ascending.
        pixels: How many pixels hold them.
        ordinary: Least and greatest of the band's other values.
    """

    band: int
    values: tuple[float, ...]
    pixels: int
    ordinary: tuple[float, float]

    @property
    def looks_like_fill(self) -> bool:
        """Whether it is one number, and a customary fill value."""
        values = np.array(self.values, np.float32)
        return len(values) == 1 and bool(is_customary_fill(values).all())


def find_wild_values(
    modality: xr.DataArray, mask: np.ndarray
) -> tuple[np.ndarray | None, list[WildBand]]:
    """Finds the valid pixels that are wild in any band.

    One pass over all values for the extremes and a sample; a band is sorted only where these
    arouse suspicion.

    Args:
        modality: (y, x, band) float32 values.
        mask: (H, W) bool, the valid pixels.

    Returns:
        (H, W) bool, True on wild pixels, or None where there are none; and the bands that hold
        them.
    """
    wild, bands = None, []
    for band in _suspicious_bands(modality, mask):
        values = modality[..., band].to_numpy()[mask]
        least, greatest = ordinary_range(values)
        outside = (values < least) | (values > greatest)
        if not outside.any():
            continue
        wild = np.zeros(mask.shape, bool) if wild is None else wild
        wild[mask] |= outside
        different = tuple(float(value) for value in np.unique(values[outside]))
        bands.append(WildBand(int(band), different, int(outside.sum()), (least, greatest)))
    return wild, bands


def ordinary_range(values: np.ndarray) -> tuple[float, float]:
    """Least and greatest of a band's values that are not wild (module docstring).

    Args:
        values: (N,) finite float32 values, one at least.
    """
    fills = is_customary_fill(values)
    others = np.sort(values[~fills])
    if len(others) < (1 - _MOST_FILLS) * len(values):
        return float(values.min()), float(values.max())
    center = float(others[len(others) // 2])
    deviations = np.abs(others - np.float32(center))
    below, above = _strangers(others, center, deviations)
    least, greatest = float(others[below]), float(others[len(others) - 1 - above])
    span = float(np.median(deviations))
    near = [
        float(fill)
        for fill in np.unique(values[fills])
        if not _is_wild_fill(float(fill), center, span, least, greatest)
    ]
    return min([least, *near]), max([greatest, *near])


def _suspicious_bands(modality: xr.DataArray, mask: np.ndarray) -> np.ndarray:
    """Bands whose extremes are fill values, or far from the median of a sample of pixels."""
    least, greatest, sample = _extremes_and_sample(modality, mask)
    center = np.median(sample, axis=0)
    span = np.median(np.abs(sample - center), axis=0)
    farthest = np.maximum(greatest - center, center - least)
    far = farthest >= _SUSPICION * np.maximum(_GAP_OF_REPEATED * span, _LEAST_GAP)
    found: np.ndarray = np.flatnonzero(far | is_customary_fill(least) | is_customary_fill(greatest))
    return found


def _extremes_and_sample(
    modality: xr.DataArray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(B,) least and greatest values, exact, and (about `_SAMPLE`, B) float64 drawn pixels."""
    rng, total = np.random.default_rng(0), int(mask.sum())
    least = np.full(modality.shape[-1], np.inf, np.float32)
    greatest, sample = -least, []
    for _, pixels in stored_chunks(modality, mask):
        if not len(pixels):
            continue
        least = np.minimum(least, pixels.min(axis=0))
        greatest = np.maximum(greatest, pixels.max(axis=0))
        share = -(-_SAMPLE * len(pixels) // total)
        sample.append(pixels[rng.integers(len(pixels), size=share)])
    return least, greatest, np.concatenate(sample).astype(np.float64)


def _strangers(others: np.ndarray, center: float, deviations: np.ndarray) -> tuple[int, int]:
    """How many of the ascending values lie below and above a gap."""
    rank = int((1 - _MOST_STRANGERS) * (len(others) - 1))
    core = float(np.partition(deviations, rank)[rank])
    if core == 0.0 and deviations.any():  # most pixels hold one number
        core = min(float(np.median(deviations[deviations > 0])), _LARGEST_RARE)
    tail = others[deviations > core].astype(np.float64) - center
    return _beyond_gap(-tail[tail < 0][::-1], core), _beyond_gap(tail[tail > 0], core)


def _beyond_gap(tail: np.ndarray, core: float) -> int:
    """How many of the ascending distances, all greater than `core`, lie beyond a gap."""
    inside = np.concatenate([[core], tail])[: len(tail)]
    beyond = tail >= np.maximum(_GAP * inside, _LEAST_GAP)
    if beyond.any():
        return len(tail) - int(beyond.argmax())
    repeated = int((tail == tail[-1]).sum()) if len(tail) else 0
    if repeated < _REPEATED:
        return 0
    gap = max(_GAP_OF_REPEATED * inside[-repeated], _LEAST_GAP)
    return repeated if tail[-1] >= gap else 0


def _is_wild_fill(fill: float, center: float, span: float, least: float, greatest: float) -> bool:
    """Whether a fill value is far from all others, of a median, a span and extremes."""
    if least <= fill <= greatest:
        return False
    if least == greatest:
        return fill < 0 or fill >= _LARGEST_RARE * _GAP
    if fill < 0 <= least:
        return True
    reach = max(center - least if fill < least else greatest - center, span)
    return abs(fill - center) >= reach * (_NEGATIVE_DISTANCE if fill < 0 else _POSITIVE_DISTANCE)
