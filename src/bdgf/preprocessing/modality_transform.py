"""How one modality's bands become standardised channels, and the transform that this takes.

In order, all chosen here (the paper is silent):

1. `log` modalities: intensities to dB, 10 log10(max(x, floor)); spectral modalities with more bands
   than `components`: each spectrum is divided by its brightness, the root mean square of its bands,
   whose logarithm goes before the bands: light and slope change how bright a material is more than
   its spectrum's shape;
2. bands of heavy tails: a power (`power`), where the bands are not reduced below. Spectra stay
   linear, since materials mix linearly in them;
3. each band is clipped at its mean +- `clip` standard deviations, so that a hot pixel or a band of
   noise cannot rule the components;
4. spectral modalities with more bands than `components`: minimum noise fraction (Green et al.,
   IEEE TGRS 1988), the directions in which the variance exceeds the noise's most, the noise being
   what adjacent pixels differ by; or principal components of the exact covariance matrix; the
   brightness stays the first channel, and `averages` averages of adjacent bands, as they were
   before step 1's division, follow as the last ones (`band_values`);
5. each channel: zero mean, clipped at +- `clip` standard deviations, unit variance; a component of
   minimum noise fraction has the variance of its signal alone, 1 - 1 / (total over noise). A
   principal component of pure noise would weigh as much as the first, and a diffusion model
   would spend itself on it.

Wild pixels (`wild_values`) are left out of all these statistics, and transformed like the others.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.linalg import block_diag

from bdgf.core.errors import SceneError
from bdgf.preprocessing.band_values import BandValues, brightness, is_taken_to_db
from bdgf.preprocessing.decibels import check_intensities
from bdgf.preprocessing.mnf import noise_covariance, noise_fraction_axes
from bdgf.preprocessing.pca import principal_axes
from bdgf.preprocessing.pixel_chunks import pixel_chunks
from bdgf.preprocessing.power import BandPowers, drawn_pixels, fit_powers
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.preprocessing.wild_values import find_wild_values
from bdgf.preprocessing.wild_warning import wild_warning

log = logging.getLogger(__name__)

_MOST_TOLD = 10  # powers that one line of the log can hold
_CONSTANT = 1e-7  # relative spread below which a float32 band is constant
_FARTHEST = 1e6  # sigma, where nothing is clipped: squares and sums of float32 stay finite


@dataclass(frozen=True)
class ModalityTransform:
    """All that turns one modality's bands into channels; B values, C channels, float64.

    The values are those of `BandValues`.

    Attributes:
        kind: "spectral" or "auxiliary".
        scale: "linear" or "log".
        band_mean: (B,) mean of each value.
        band_sigma: (B,) standard deviation of each value, 0 for a constant one.
        center: (B,) mean of the clipped values.
        components: (C, B) axes as rows, or None where bands stay as they are.
        channel_sigma: (C,) standard deviation of the channels, 1 where they are constant.
        least_brightness: What spectra are divided by at least; None leaves them undivided.
        units: Units of the bands, "" if unknown.
        gain: (B,) what the centred values of another raster are multiplied by; None for 1.
        powers: The powers of the bands; None where none has one.
        averages: Averages of adjacent bands, which are the last values and the last channels.
    """

    kind: str
    scale: str
    band_mean: np.ndarray
    band_sigma: np.ndarray
    center: np.ndarray
    components: np.ndarray | None
    channel_sigma: np.ndarray
    least_brightness: float | None = None
    units: str = ""
    gain: np.ndarray | None = None
    powers: BandPowers | None = None
    averages: int = 0

    @property
    def bands(self) -> int:
        """The bands that go in."""
        return len(self.band_mean) - self.form.count(0)

    @property
    def channels(self) -> int:
        """C, the channels that come out."""
        return len(self.channel_sigma)

    @property
    def form(self) -> BandValues:
        """How its bands become values."""
        return BandValues(self.scale, self.least_brightness, self.averages, self.powers)


class BandStatistics(NamedTuple):
    """How a modality's values are distributed in another raster.

    Attributes:
        mean: (B,) float64 mean of each value, after its power.
        sigma: (B,) float64 standard deviation, after its power.
        powers: The powers about that raster's medians; None where there are none.
    """

    mean: np.ndarray
    sigma: np.ndarray
    powers: BandPowers | None = None


def fit_modality(
    modality: xr.DataArray, mask: np.ndarray, settings: PreparationSettings
) -> ModalityTransform:
    """Fits the transform on the valid pixels: exact float64 sums over chunks of rows.

    Args:
        modality: (y, x, band) values and the attributes `kind` and `scale`.
        mask: (H, W) bool, the valid pixels; wild ones among them are left out, with a warning.
        settings: What to do.

    Raises:
        SceneError: Every pixel is wild in some band; or values to be taken to decibels are no
            intensities.
    """
    kind, scale = modality.attrs["kind"], modality.attrs.get("scale", "linear")
    mask = _without_wild_pixels(modality, mask)
    if is_taken_to_db(scale, settings):
        check_intensities(modality, mask, settings.intensity_floor)
    reduce = kind == "spectral" and modality.shape[-1] > settings.components
    apart = reduce and settings.brightness_apart and scale == "linear"
    least = _least_brightness(modality, mask, settings) if apart else None
    powers = None if reduce else _powers(modality, mask, settings)
    averages = min(settings.averages, modality.shape[-1] // 2) if reduce else 0
    form = BandValues(scale, least, averages, powers)
    bands = form.count(modality.shape[-1])
    mean, variance, center = np.zeros(bands), np.zeros(bands), np.zeros(bands)
    for _, pixels in pixel_chunks(modality, mask):
        mean += form.of(pixels, settings).sum(axis=0) / mask.sum()
    for _, pixels in pixel_chunks(modality, mask):
        variance += ((form.of(pixels, settings) - mean) ** 2).sum(axis=0) / mask.sum()
    sigma = np.sqrt(variance)
    sigma[sigma <= _CONSTANT * np.abs(mean)] = 0.0

    def to_bands(pixels: np.ndarray) -> np.ndarray:
        return _centred(form.of(pixels, settings), mean, sigma, settings)

    for _, pixels in pixel_chunks(modality, mask):
        center += to_bands(pixels).sum(axis=0) / mask.sum()
    covariance = np.zeros((bands, bands) if reduce else bands)
    for _, pixels in pixel_chunks(modality, mask):
        values = to_bands(pixels) - center
        product = values.T @ values if reduce else (values**2).sum(axis=0)
        covariance += product / mask.sum()
    components, variances = None, covariance
    if reduce:
        noise = None
        if settings.reduction == "mnf":
            noise = noise_covariance(modality, mask, bands, to_bands)
        components, variances = _reduced(covariance, noise, form, settings)
    channel_sigma = np.sqrt(np.maximum(variances, 0.0))
    channel_sigma[channel_sigma == 0.0] = 1.0  # constant channels stay 0
    units = str(modality.attrs.get("units", ""))
    return ModalityTransform(
        *(kind, scale, mean, sigma, center, components, channel_sigma, least, units),
        powers=powers,
        averages=form.averages,
    )


def _reduced(
    covariance: np.ndarray,
    noise: np.ndarray | None,
    form: BandValues,
    settings: PreparationSettings,
) -> tuple[np.ndarray, np.ndarray]:
    # Components (C, B) of the spectra's shapes and their variances (C,); the values before and
    # behind the shapes stay what they are.
    shapes, total = form.shapes, np.diag(covariance)
    own = covariance[shapes, shapes]
    if noise is None:
        axes, variances = principal_axes(own, settings.components)
    else:
        axes, variances = noise_fraction_axes(
            own, noise[shapes, shapes], settings.components, settings.least_signal
        )
    before, behind = total[: shapes.start], total[len(total) - form.averages :]
    components = block_diag(np.eye(len(before)), axes, np.eye(len(behind)))
    return components, np.concatenate([before, variances, behind])


def _powers(
    modality: xr.DataArray, mask: np.ndarray, settings: PreparationSettings
) -> BandPowers | None:
    """The powers of a modality's bands, said in the log."""
    if settings.power == "never":
        return None
    scale = modality.attrs.get("scale", "linear")
    values = BandValues(scale).of(drawn_pixels(modality, mask), settings)
    powers = fit_powers(values, settings)
    if powers is not None:
        bands = np.flatnonzero(powers.changed)
        told = [f"{powers.power[band]:.2f} on band {band}" for band in bands[:_MOST_TOLD]]
        more = [f"{len(bands) - len(told)} more bands have one"] if len(bands) > len(told) else []
        log.info("modality %s: power %s", modality.name, ", ".join(told + more))
    return powers


def _without_wild_pixels(modality: xr.DataArray, mask: np.ndarray) -> np.ndarray:
    """The valid pixels that no band's value is wild on; the mask itself where none is."""
    wild, bands = find_wild_values(modality, mask)
    if wild is None:
        return mask
    log.warning(wild_warning(str(modality.name), bands, int(wild.sum())))
    mask = mask & ~wild
    if not mask.any():
        raise SceneError(
            f"modality {modality.name}: every pixel holds a wild value in some band; set `nodata` "
            "for the modality in the scene's file, or leave such bands out with `channels`"
        )
    return mask


def _least_brightness(
    modality: xr.DataArray, mask: np.ndarray, settings: PreparationSettings
) -> float:
    """What a spectrum is divided by at least: a share of the mean brightness."""
    total = sum(brightness(pixels).sum() for _, pixels in pixel_chunks(modality, mask))
    return max(settings.brightness_floor * float(total) / mask.sum(), np.finfo(np.float32).tiny)


def _centred(
    values: np.ndarray, mean: np.ndarray, sigma: np.ndarray, settings: PreparationSettings
) -> np.ndarray:
    """(N, B) values minus their mean, clipped."""
    values = values - mean
    if settings.clip is not None:
        values = np.clip(values, -settings.clip * sigma, settings.clip * sigma)
    return values


def to_channels(
    pixels: np.ndarray, transform: ModalityTransform, settings: PreparationSettings
) -> np.ndarray:
    """(N, C) float64 standardised channels of the pixels (N, B)."""
    values = transform.form.of(pixels, settings)
    values = _centred(values, transform.band_mean, transform.band_sigma, settings)
    if transform.gain is not None:
        values *= transform.gain
    values -= transform.center
    if transform.components is not None:
        values = values @ transform.components.T
    values /= transform.channel_sigma
    farthest = _FARTHEST if settings.clip is None else settings.clip
    return np.clip(values, -farthest, farthest)
