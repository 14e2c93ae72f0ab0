"""What of a modality's bands is standardised: bands or spectral shapes, and averages of bands.

Components of minimum noise fraction take what adjacent pixels differ by as noise. Where objects are
as small as pixels, that is signal, and averages of adjacent bands keep it. Chosen here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bdgf.preprocessing.power import BandPowers
from bdgf.preprocessing.settings import PreparationSettings


@dataclass(frozen=True)
class BandValues:
    """How (N, bands) pixels become (N, B) values, float64.

    Attributes:
        scale: "linear" or "log".
        least_brightness: What spectra are divided by at least: the logarithm of their brightness
            goes before the bands. None leaves them undivided.
        averages: Averages of adjacent bands that go behind the bands, as they were before a
            division.
        powers: The powers of the bands; None where none has one.
    """

    scale: str
    least_brightness: float | None = None
    averages: int = 0
    powers: BandPowers | None = None

    @property
    def shapes(self) -> slice:
        """Which of the values are the bands or the spectra's shapes."""
        return slice(int(self.least_brightness is not None), -self.averages or None)

    def count(self, bands: int) -> int:
        """B, the values of so many bands."""
        return bands + (self.least_brightness is not None) + self.averages

    def of(self, pixels: np.ndarray, settings: PreparationSettings) -> np.ndarray:
        """The values of (N, bands) pixels."""
        if is_taken_to_db(self.scale, settings):
            pixels = 10.0 * np.log10(np.maximum(pixels, settings.intensity_floor))
        before, shapes = [], pixels
        if self.least_brightness is not None:
            divisor = np.maximum(brightness(pixels), self.least_brightness)
            before, shapes = [np.log(divisor)], pixels / divisor
        parts = np.array_split(pixels, self.averages, axis=-1) if self.averages else []
        behind = [part.mean(axis=-1, keepdims=True) for part in parts]
        values = np.concatenate([*before, shapes, *behind], axis=-1) if before + behind else shapes
        return values if self.powers is None else self.powers.apply(values)


def is_taken_to_db(scale: str, settings: PreparationSettings) -> bool:
    """Whether a modality's numbers are intensities that become decibels."""
    return scale == "log" and settings.to_db


def brightness(pixels: np.ndarray) -> np.ndarray:
    """(N, 1) root mean square of the bands of (N, bands) pixels."""
    found: np.ndarray = np.sqrt((pixels**2).mean(axis=-1, keepdims=True))
    return found
