"""A raster of a scene's modalities that is read window by window."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import xarray as xr

from bdgf.core.fingerprint import fingerprint
from bdgf.raster.georeferencing import georeference
from bdgf.raster.windows import Window, row_bands
from bdgf.scenes.masks import modality_masks
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
        units: Units of the values, "" if unknown.
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
        """The form of each modality's values."""
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
        """The scene within a window: its modalities (y, x, band) float32 and their masks."""
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
        """The form of each modality's values."""
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
        parts = [self.read(Window(rows, slice(0, width))) for rows in row_bands(height, _ROWS)]
        names = list(self.modalities)
        digests = []
        for part in parts:
            masks = [] if (present := modality_masks(part)) is None else [present]
            channels = (part[name].to_numpy() for name in names)
            digests.append(fingerprint(valid_mask(part), *channels, *masks))
        return fingerprint(names, digests)

    def labels(self) -> tuple[np.ndarray, ClassTable] | None:
        """The scene's labels and classes."""
        if LABELS not in self.scene or not self.scene[LABELS].any():
            return None
        return self.scene[LABELS].to_numpy(), class_table(self.scene)


@dataclass(frozen=True)
class InOrder:
    """The windows of a raster, its modalities in another order, as far as they are there.

    Attributes:
        source: The raster.
        order: The modalities' names.
    """

    source: SceneWindows
    order: tuple[str, ...]

    @property
    def name(self) -> str:
        """The scene's name."""
        return self.source.name

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.source.shape

    @property
    def modalities(self) -> dict[str, ModalityForm]:
        """The form of each modality's values."""
        found = self.source.modalities
        return {name: found[name] for name in self.order if name in found}

    @property
    def crs(self) -> CRS | None:
        """Coordinate reference system."""
        return self.source.crs

    @property
    def transform(self) -> Affine | None:
        """Affine map from (column, row) to coordinates."""
        return self.source.transform

    def read(self, window: Window) -> xr.Dataset:
        """The scene within a window."""
        scene = self.source.read(window)
        return scene.assign_attrs(modalities=json.dumps(list(self.modalities)))

    def labels(self) -> tuple[np.ndarray, ClassTable] | None:
        """The scene's labels and classes."""
        return self.source.labels()

    def digest(self) -> str:
        """Of what decides the numbers, the order included."""
        return fingerprint(self.source.digest(), list(self.order))


class StoredWindows(DatasetWindows):
    """Windows of a scene in a NetCDF file, which another process opens for itself."""

    def __init__(self, path: Path) -> None:
        """Opens the file; values are read where they are asked for."""
        object.__setattr__(self, "scene", _opened(path))
        object.__setattr__(self, "path", path)

    @classmethod
    def write(cls, windows: DatasetWindows, path: Path) -> StoredWindows:
        """Writes an open scene to a file."""
        windows.scene.to_netcdf(path, engine="h5netcdf")
        return cls(path)

    def __reduce__(self) -> tuple[type[StoredWindows], tuple[Path]]:
        """The path alone."""
        return type(self), (self.path,)  # type: ignore[attr-defined]


def _opened(path: Path) -> xr.Dataset:
    scene = xr.open_dataset(path, engine="h5netcdf", decode_coords="all", cache=False)
    return scene.set_coords("spatial_ref") if "spatial_ref" in scene else scene


def form_of(modality: xr.DataArray) -> ModalityForm:
    """What the numbers of a scene's variable are."""
    attributes = modality.attrs
    return ModalityForm(
        kind=str(attributes["kind"]),
        units=str(attributes.get("units", "")),
        scale=str(attributes.get("scale", "linear")),
        bands=modality.sizes[f"band_{modality.name}"],
    )
