"""Pixel features of an estimator: the channels, with or without window statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import xarray as xr
from pydantic import Field, field_validator

from bdgf.core.settings import Settings
from bdgf.features.source import FeatureSource
from bdgf.models.sklearn.feature_source import PixelReader, reader_of_maps
from bdgf.models.sklearn.window_statistics import window_statistics
from bdgf.preprocessing.pca import principal_axes
from bdgf.preprocessing.prepared_channels import is_reduced, stack_channels, without_averages
from bdgf.raster.windows import row_bands, rows_within
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.scene import modality_names, spectral_names, valid_mask


class PixelSettings(Settings):
    """What describes a pixel."""

    averages: bool = Field(
        False,
        description="Whether the averages of adjacent bands are seen beside the components "
        "(`preparation.averages`).",
    )


class WindowSettings(PixelSettings):
    """The window whose statistics describe a pixel."""

    window: int = Field(11, ge=1, description="Side of the window in pixels, odd.")
    components: int = Field(
        10, ge=1, description="Number of leading spectral components used in the window."
    )

    @field_validator("window")
    @classmethod
    def _odd(cls, window: int) -> int:
        if window % 2 == 0:
            raise ValueError(f"a window has a centre only when its side is odd, not {window}")
        return window


@dataclass(frozen=True)
class StackedChannels:
    """The pixel's own channels of every modality; nothing to fit.

    Attributes:
        averages: Whether averages of adjacent bands are among them.
        patch: Side of the window in pixels.
    """

    averages: bool = False
    patch: int = 1

    def maps(self, prepared: xr.Dataset) -> np.ndarray:
        """(F, H, W) float32 features of a prepared scene."""
        return seen_channels(prepared, self.averages)

    def table(self, prepared: xr.Dataset, cube: FeatureSource | None) -> PixelReader:
        """Reads a scene; see `PixelFeatures.table`."""
        return reader_of_maps(self.maps(prepared))

    def state(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


@dataclass(frozen=True)
class ChannelsAndWindow:
    """The pixel's channels, and mean and standard deviation of its window.

    The window sees the auxiliary channels and the leading components of the spectral ones. Where
    the preparation has reduced a spectral modality, these are its first channels; where it has left
    the bands as they are, principal components are fitted here, without labels, and kept.

    Attributes:
        settings: The window.
        axes: (components, C) principal axes by spectral modality that was not reduced.
    """

    settings: WindowSettings
    axes: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def patch(self) -> int:
        """Side of the window in pixels."""
        return self.settings.window

    @classmethod
    def fit(cls, prepared: xr.Dataset, settings: WindowSettings) -> Self:
        """Fits the principal axes of each modality where it has data."""
        axes = {}
        for name in spectral_names(prepared):
            if not is_reduced(prepared[name]):
                covariance = _covariance(prepared[name], modality_mask(prepared, name))
                axes[name] = principal_axes(covariance, settings.components)[0]
        return cls(settings, axes)

    def maps(self, prepared: xr.Dataset) -> np.ndarray:
        """(F, H, W) float32: all channels, then the means, then the standard deviations."""
        spectral = spectral_names(prepared)
        seen = []
        for name in modality_names(prepared):
            channels = without_averages(prepared[name])
            if name in self.axes:
                channels = np.tensordot(self.axes[name].astype(np.float32), channels, 1)
            seen.append(channels[: self.settings.components] if name in spectral else channels)
        mean, deviation = window_statistics(
            np.concatenate(seen), valid_mask(prepared), self.settings.window
        )
        return np.concatenate([seen_channels(prepared, self.settings.averages), mean, deviation])

    def table(self, prepared: xr.Dataset, cube: FeatureSource | None) -> PixelReader:
        """Reads a scene; see `PixelFeatures.table`."""
        return reader_of_maps(self.maps(prepared))

    def state(self) -> dict[str, np.ndarray]:
        """The principal axes."""
        return dict(self.axes)


def seen_channels(prepared: xr.Dataset, averages: bool) -> np.ndarray:
    """(C, H, W) float32 channels of all modalities, with averages of adjacent bands or without."""
    if averages:
        return stack_channels(prepared)[0]
    return np.concatenate([without_averages(prepared[name]) for name in modality_names(prepared)])


def _covariance(modality: xr.DataArray, mask: np.ndarray) -> np.ndarray:
    """(C, C) of the (C, H, W) channels where the (H, W) mask is."""
    count, height, width = modality.shape
    bands = list(row_bands(height, rows_within(count * width)))
    if len(bands) == 1:
        pixels = modality.to_numpy()[:, mask]
        return np.atleast_2d(np.cov(pixels.astype(np.float64), bias=True))
    # Two passes over what does not fit into memory at once.
    mean, covariance = np.zeros(count), np.zeros((count, count))
    for rows in bands:
        mean += modality[:, rows].to_numpy()[:, mask[rows]].sum(1, np.float64) / mask.sum()
    for rows in bands:
        apart = modality[:, rows].to_numpy()[:, mask[rows]] - mean[:, None]
        covariance += apart @ apart.T / mask.sum()
    return covariance
