"""Yeo-Johnson powers of single bands: heavy tails are drawn in before bands are standardised.

Yeo and Johnson, Biometrika 2000. LiDAR heights, counts, intensities and thermal bands have tails
that a mean and a standard deviation describe badly: most of the scene falls into a narrow range,
and a few pixels set the scale. A power is strictly increasing and smooth, so that the order of the
values stays and only their distances change.

The power sees u = (x - median) / spread. So the unit of a band does not matter, and the power
stays the same where light or gain shift the band of another raster. For u >= 0 it is
((1 + u)^power - 1) / power, for u < 0 its mirror image with 2 - power; 1 changes nothing.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import xarray as xr

from bdgf.preprocessing.pixel_chunks import stored_chunks
from bdgf.preprocessing.settings import PreparationSettings

SAMPLE = 20_000
"""Drawn pixels that powers are fitted on: the power of a band is then known to about 0.01."""
_LEAST, _MOST = -1.0, 3.0
"""Powers: beyond them a tail draws near a limit, and float32 no longer tells its values apart."""
_WIDEST = 0.98
_CENTRAL = (0.5, 0.9, _WIDEST, 1.0)
"""Shares of the pixels whose range may be the spread: the first that is not empty. Where most
pixels hold one number, the wider ones are."""
_ROUNDING = 1e-6
"""Share of the values that a range is wider than: a narrower one is rounding of float32."""
_NEAR_LOGARITHM = 1e-12
"""Powers closer to 0 than this are taken for this: the logarithm is the limit."""


@dataclass(frozen=True)
class BandPowers:
    """The powers of B values, some of them 1.

    Attributes:
        center: (B,) float64 median of each value.
        spread: (B,) float64 spread of each value, as that of a normal distribution; above 0.
        power: (B,) float64 the power; 1 leaves a value as it is.
    """

    center: np.ndarray
    spread: np.ndarray
    power: np.ndarray

    @property
    def changed(self) -> np.ndarray:
        """(B,) bool, the values that have a power."""
        return self.power != 1.0

    def apply(self, values: np.ndarray) -> np.ndarray:
        """(N, B) float64 values, those with a power transformed; the others are the same bits."""
        which = self.changed
        result = values.copy()
        apart = (values[:, which] - self.center[which]) / self.spread[which]
        result[:, which] = yeo_johnson(apart, self.power[which])
        return result

    def invert(self, values: np.ndarray) -> np.ndarray:
        """(N, B) float64 the values that `apply` made these of."""
        which = self.changed
        result = values.copy()
        apart = inverse_yeo_johnson(values[:, which], self.power[which])
        result[:, which] = apart * self.spread[which] + self.center[which]
        return result

    def moved_to(self, sample: np.ndarray) -> BandPowers:
        """The same powers about the median and the spread of another raster.

        Args:
            sample: (n, B) float64 values of pixels drawn there, one at least. A value that is the
                same on all of them keeps the spread that it had.
        """
        center, spread = median_and_spread(sample)
        return replace(self, center=center, spread=np.where(spread > 0, spread, self.spread))


def yeo_johnson(values: np.ndarray, power: np.ndarray) -> np.ndarray:
    """(N, B) float64 Yeo-Johnson transform of (N, B) values; (B,) powers. Infinity is allowed."""
    exponent = _exponents(values, power)
    with np.errstate(over="ignore"):  # infinity is clipped later, as a wild value is
        size = np.expm1(exponent * np.log1p(np.abs(values))) / exponent
    return np.asarray(np.copysign(size, values))


def inverse_yeo_johnson(values: np.ndarray, power: np.ndarray) -> np.ndarray:
    """(N, B) float64 what `yeo_johnson` made these of."""
    exponent = _exponents(values, power)
    size = np.expm1(np.log1p(exponent * np.abs(values)) / exponent)
    return np.asarray(np.copysign(size, values))


def _exponents(values: np.ndarray, power: np.ndarray) -> np.ndarray:
    exponent = np.where(values < 0, 2.0 - power, power)
    return np.where(np.abs(exponent) < _NEAR_LOGARITHM, _NEAR_LOGARITHM, exponent)


def median_and_spread(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B,) medians and (B,) spreads of (n, B) values; 0 where all are one number."""
    spread = np.zeros(sample.shape[1])
    for share in _CENTRAL:
        low, high = np.quantile(sample, [(1 - share) / 2, (1 + share) / 2], axis=0)
        varies = high - low > _ROUNDING * np.maximum(np.abs(low), np.abs(high))
        # That of all pixels has no end in a normal distribution: it counts as that of most.
        sigmas = 2 * NormalDist().inv_cdf((1 + min(share, _WIDEST)) / 2)
        spread = np.where((spread == 0) & varies, (high - low) / sigmas, spread)
    return np.median(sample, axis=0), spread


def fit_powers(sample: np.ndarray, settings: PreparationSettings) -> BandPowers | None:
    """Fits the power of each value by maximum likelihood.

    Args:
        sample: (n, B) float64 finite values of drawn pixels, without wild ones.
        settings: Whether, and how much likelihood a power has to gain.

    Returns:
        The powers; None where no value has one.
    """
    if settings.power == "never":
        return None
    center, spread = median_and_spread(sample)
    least_gain = settings.power_gain if settings.power == "auto" else 0.0
    power = np.ones(sample.shape[1])
    for band in np.flatnonzero(spread > 0):
        found, gain = most_likely_power((sample[:, band] - center[band]) / spread[band])
        power[band] = found if gain > least_gain else 1.0
    if (power == 1.0).all():
        return None
    return BandPowers(center, np.where(spread > 0, spread, 1.0), power)


def most_likely_power(values: np.ndarray) -> tuple[float, float]:
    """The power that makes (n,) values most likely to be normal, and what it gains.

    Returns:
        The power; and the gain of the profile log-likelihood over the power 1, in nats a pixel.
    """
    from scipy.stats import yeojohnson_llf, yeojohnson_normmax

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # far powers overflow while they are tried
        found = float(np.clip(yeojohnson_normmax(values), _LEAST, _MOST))
        gain = float(yeojohnson_llf(found, values) - yeojohnson_llf(1.0, values)) / len(values)
    return (found, gain) if np.isfinite([found, gain]).all() else (1.0, 0.0)


def drawn_pixels(modality: xr.DataArray, mask: np.ndarray) -> np.ndarray:
    """(n, bands) float64 of valid pixels, drawn evenly; the same ones however a scene is read.

    Args:
        modality: (y, x, band) values.
        mask: (H, W) bool, the valid pixels.
    """
    total = int(mask.sum())
    ranks = np.arange(total)
    if total > SAMPLE:
        rng = np.random.default_rng(0)
        ranks = np.sort(rng.choice(total, SAMPLE, replace=False, shuffle=False))
    start, drawn = 0, []
    for _, pixels in stored_chunks(modality, mask):
        here = ranks[np.searchsorted(ranks, start) : np.searchsorted(ranks, start + len(pixels))]
        drawn.append(pixels[here - start].astype(np.float64))
        start += len(pixels)
    return np.concatenate(drawn)
