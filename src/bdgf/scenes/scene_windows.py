"""A raster of a scene's modalities that is read window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import xarray as xr

from bdgf.core.fingerprint import fingerprint
from bdgf.raster.georeferencing import georeference
from bdgf.raster.windows import Window
from bdgf.scenes.scene import LABELS, class_table, modality_names, valid_mask

if TYPE_CHECKING:
    import numpy as np
    from affine import Affine
    from rasterio.crs import CRS

    from bdgf.scenes.classes import ClassTable


_ROWS = 256
"""Rows that are read at a time."""


@dataclass(frozen=True)
class ModalityForm:
    """What a modality's numbers are.

    Attributes:
        kind: "spectral" or "auxiliary".
        units: Units of the values, "" where nobody said.
        scale: "log" for intensities that preparation takes to dB, else "linear".
        bands: Number of bands.
    """

    kind: str
    units: str
    scale: str
    bands: int


class SceneWindows(Protocol):
    """A raster of co-registered modalities.

    Attributes:
        name: The scene's name.
        shape: (H, W).
        modalities: What the numbers of each modality are, in the scene's order.
        crs: Coordinate reference system, if it is known.
        transform: Affine map from (column, row) to coordinates, if it is known.
    """

    @property
    def name(self) -> str:
        """The scene's name."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        ...

    @property
    def modalities(self) -> dict[str, ModalityForm]:
        """What the numbers of each modality are."""
        ...

    @property
    def crs(self) -> CRS | None:
        """Coordinate reference system."""
        ...

    @property
    def transform(self) -> Affine | None:
        """Affine map from (column, row) to coordinates."""
        ...

    def read(self, window: Window) -> xr.Dataset:
        """The scene within a window: its modalities (y, x, band) float32 and `valid`."""
        ...

    def digest(self) -> str:
        """Of what decides the numbers: two rasters of one digest are the same."""
        ...

    def labels(self) -> tuple[np.ndarray, ClassTable] | None:
        """(H, W) uint8 class ids, 0 = unlabelled, and the classes; None where there are none."""
        ...


@dataclass(frozen=True)
class DatasetWindows:
    """Windows of a scene that is open: in memory, or a file that is read where it is asked for.

    Attributes:
        scene: The scene (`bdgf.scenes.scene`).
    """

    scene: xr.Dataset

    @property
    def name(self) -> str:
        """The scene's name."""
        return str(self.scene.attrs.get("scene", ""))

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.scene.sizes["y"], self.scene.sizes["x"]

    @property
    def modalities(self) -> dict[str, ModalityForm]:
        """What the numbers of each modality are."""
        return {name: form_of(self.scene[name]) for name in modality_names(self.scene)}

    @property
    def crs(self) -> CRS | None:
        """Coordinate reference system."""
        return georeference(self.scene)[0]

    @property
    def transform(self) -> Affine | None:
        """Affine map from (column, row) to coordinates."""
        return georeference(self.scene)[1]

    def read(self, window: Window) -> xr.Dataset:
        """The scene within a window."""
        return self.scene.isel(y=window.rows, x=window.columns)

    def digest(self) -> str:
        """Of the arrays, some rows at a time."""
        height, width = self.shape
        parts = [
            self.read(Window(slice(first, min(first + _ROWS, height)), slice(0, width)))
            for first in range(0, height, _ROWS)
        ]
        names = list(self.modalities)
        digests = [
            fingerprint(valid_mask(part), *(part[name].to_numpy() for name in names))
            for part in parts
        ]
        return fingerprint(names, digests)

    def labels(self) -> tuple[np.ndarray, ClassTable] | None:
        """The scene's labels and classes."""
        if LABELS not in self.scene or not self.scene[LABELS].any():
            return None
        return self.scene[LABELS].to_numpy(), class_table(self.scene)


def form_of(modality: xr.DataArray) -> ModalityForm:
    """What the numbers of a scene's variable are."""
    attributes = modality.attrs
    return ModalityForm(
        kind=str(attributes["kind"]),
        units=str(attributes.get("units", "")),
        scale=str(attributes.get("scale", "linear")),
        bands=modality.sizes[f"band_{modality.name}"],
    )
