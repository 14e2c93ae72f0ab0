"""Values of a modality: ranges, percentiles, and the share of pixels with data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bdgf.scenes.scene import valid_mask

PERCENTILES = (1, 5, 50, 95, 99)
"""Of the values of each band, on a sample of pixels."""

METRES = ("m", "metre", "metres", "meter", "meters")
"""What files call metres."""

_MOST_PIXELS = 50_000
_HEIGHT = re.compile("elevation|height|lidar|canopy|(?:^|[^a-z])(?:dem|dsm|dtm|chm)(?:[^a-z]|$)")


@dataclass(frozen=True)
class Layer:
    """Statistics of a modality's values.

    Attributes:
        name: The modality.
        kind: "spectral" or "auxiliary".
        units: As configured, or as the file says; may be "".
        scale: "log" for intensities that preparation takes to dB, else "linear".
        least: (B,) least value of each band.
        greatest: (B,) greatest value of each band.
        percentiles: (P, B) `PERCENTILES` of each band.
        sample: (N, B) values of some pixels.
        no_data: Share of pixels without data, 0..1.
        numbers: (B,) number of each band, counted from 0 as `exclude` counts: over all bands of
            the files, of which some may be left out.
    """

    name: str
    kind: str
    units: str
    scale: str
    least: np.ndarray
    greatest: np.ndarray
    percentiles: np.ndarray
    sample: np.ndarray
    no_data: float
    numbers: np.ndarray

    @property
    def bands(self) -> int:
        """B, the number of bands."""
        return len(self.least)

    @property
    def is_height(self) -> bool:
        """Whether it is an elevation, a surface model or LiDAR heights, by units or name."""
        in_metres = self.units.strip().lower().split(",")[0] in METRES
        return self.kind == "auxiliary" and (in_metres or bool(_HEIGHT.search(self.name.lower())))

    def percentile(self, number: int) -> np.ndarray:
        """(B,) one of `PERCENTILES`."""
        values: np.ndarray = self.percentiles[PERCENTILES.index(number)]
        return values


def layer_mask(scene: xr.Dataset, name: str) -> np.ndarray:
    """(H, W) bool: where a modality has data, by its own mask where the scene holds one."""
    own = f"valid_{name}"
    return scene[own].to_numpy() != 0 if own in scene else valid_mask(scene)


def look_at_layer(
    modality: xr.DataArray,
    mask: np.ndarray,
    no_data: float | None,
    numbers: Sequence[int] | None = None,
) -> Layer:
    """Computes the statistics of a modality.

    Args:
        modality: (y, x, band) values and the attributes `kind`, `units` and `scale`.
        mask: (H, W) bool, where it has data, somewhere at least.
        no_data: Share of pixels without data, where whoever read it knows; None takes the mask.
        numbers: Numbers of the bands in the files; None where there are no files.
    """
    values = modality.to_numpy()
    rows, columns = np.nonzero(mask)
    least = np.array([values[..., b].min(where=mask, initial=np.inf) for b in _bands(values)])
    greatest = np.array([values[..., b].max(where=mask, initial=-np.inf) for b in _bands(values)])
    if len(rows) > _MOST_PIXELS:
        chosen = np.random.default_rng(0).choice(len(rows), _MOST_PIXELS, replace=False)
        rows, columns = rows[chosen], columns[chosen]
    sample = values[rows, columns]
    attributes = modality.attrs
    return Layer(
        str(modality.name),
        attributes["kind"],
        attributes.get("units", ""),
        attributes.get("scale", "linear"),
        least,
        greatest,
        np.percentile(sample, PERCENTILES, axis=0),
        sample,
        float((~mask).mean()) if no_data is None else no_data,
        np.arange(values.shape[-1]) if numbers is None else np.array(numbers),
    )


def _bands(values: np.ndarray) -> range:
    return range(values.shape[-1])
