"""Windows of a scene that stays in its files, with memory independent of its size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bdgf.core.fingerprint import fingerprint
from bdgf.raster.windows import Window
from bdgf.scenes.config import SceneConfig
from bdgf.scenes.ingest.cell_sizes import cells_under, repeated
from bdgf.scenes.ingest.decoding import decode_image
from bdgf.scenes.ingest.file_labels import LabelLayers, label_layers, label_paths, labels_of_files
from bdgf.scenes.ingest.files_behind import files_behind, paths_of
from bdgf.scenes.ingest.found_array import FoundArray, TileOwners
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.ingest.hollow_layers import FIRST, hollow, lie_alike
from bdgf.scenes.ingest.layer_grids import (
    OwnGrid,
    SettledLayers,
    layer_settings,
    settle_layers,
)
from bdgf.scenes.ingest.mosaic import joined_window
from bdgf.scenes.ingest.read_scene import find_images
from bdgf.scenes.ingest.source_files import SceneFolders
from bdgf.scenes.ingest.tile_tally import tell_by_windows
from bdgf.scenes.mask_variables import joint_masks, mask_variables
from bdgf.scenes.readers.isolation import read_raw
from bdgf.scenes.readers.raw_array import RawArray, WindowsError
from bdgf.scenes.readers.reading_limits import ReadingSettings
from bdgf.scenes.scene import ModalityArray, attributes_of
from bdgf.scenes.scene_windows import ModalityForm
from bdgf.scenes.sources import ImageSource

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS

    from bdgf.scenes.classes import ClassTable

_FLOAT = 4
"""Bytes of a float32."""


class ResampledError(WindowsError):
    """A layer cannot be read in windows of the scene, which takes so many bytes in memory."""

    def __init__(self, message: str, resident_bytes: int) -> None:
        super().__init__(message)
        self.resident_bytes = resident_bytes


@dataclass(frozen=True)
class TiledWindow:
    """A window of a scene, and the tiles that it was read from.

    Attributes:
        scene: Its modalities (y, x, band) float32 and their masks.
        numbers: (h, w) integers from 1, 0 in no tile: the tile of each pixel, of the modality
            `FileWindows.tiled` where that lies on the scene's grid, else None.
        joined: Of each modality that has tiles the rows of its own cells that were read, and their
            tiles.
    """

    scene: xr.Dataset
    numbers: np.ndarray | None
    joined: Mapping[str, tuple[slice, TileOwners]]


@dataclass(frozen=True)
class FileWindows:
    """A scene in raster files on one grid, or with larger cells, read window by window.

    Attributes:
        name: The scene's name.
        config: Its configuration.
        folders: Where its files were found.
        reading: How carefully they are read.
        images: What was found of each modality, the spectral ones first.
        forms: What the numbers of each are.
        grid: The scene's grid.
        own: The grids of modalities with larger cells.
    """

    name: str
    config: SceneConfig
    folders: tuple[Path, ...]
    reading: ReadingSettings
    images: Mapping[str, FoundArray[ImageSource]]
    forms: Mapping[str, ModalityForm]
    grid: PixelGrid
    own: Mapping[str, OwnGrid]

    @classmethod
    def open(
        cls,
        name: str,
        config: SceneConfig,
        folders: Sequence[Path],
        reading: ReadingSettings,
    ) -> FileWindows:
        """Reads the declarations of the files.

        Args:
            name: The scene's name.
            config: Its configuration.
            folders: Where its files are looked for, in order.
            reading: How carefully they are read.

        Raises:
            WindowsError: The scene can only be read whole.
            SceneError: A file is missing or damaged, or lies on another grid.
        """
        if config.fabricate is not None:
            raise WindowsError(f"scene '{name}' has no files")
        place = SceneFolders(
            *(name, folders, config.source, reading, FIRST.limits),
            grid_tolerance=config.grid_tolerance,
        )
        images = find_images(place, config)
        layers = {f"modality {modality}": hollow(found) for modality, found in images.items()}
        settled = settle_layers(name, layers, layer_settings(config), config)
        own = {m: settled.own[f"modality {m}"] for m in images if f"modality {m}" in settled.own}
        order = sorted(images, key=lambda modality: config.modalities[modality].kind != "spectral")
        first = {
            modality: decode_image(
                _first_pixel(images[modality]),
                config.modalities[modality],
                FIRST.shape,
                is_whole=False,
            )
            for modality in order
        }
        forms = {modality: _form(array) for modality, array in first.items()}
        bands = sum(form.bands for form in forms.values())
        _check_as_they_lie(name, layers, settled, bands)
        return cls(
            *(name, config, tuple(folders), reading, {m: images[m] for m in order}, forms),
            *(settled.grid, own),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.grid.shape

    @property
    def crs(self) -> CRS | None:
        """Coordinate reference system, if a file has one."""
        return self.grid.crs

    @property
    def transform(self) -> Affine | None:
        """Affine map from (column, row) to coordinates, if a file has one."""
        return self.grid.transform

    @property
    def modalities(self) -> dict[str, ModalityForm]:
        """The form of each modality's values."""
        return dict(self.forms)

    @property
    def resident_bytes(self) -> int:
        """Memory size of the scene."""
        return _resident_bytes(self.shape, sum(form.bands for form in self.forms.values()))

    @property
    def tiled(self) -> str | None:
        """The modality whose tiles are those of the scene; None where no image has tiles."""
        names = [name for name in self.config.modalities if name in self.images]
        found = [name for name in names if self.images[name].tiles]
        return min(
            found, key=lambda name: (name != self.config.grid, name in self.own), default=None
        )

    def read(self, window: Window) -> xr.Dataset:
        """The scene within a window: its modalities (y, x, band) float32 and their masks.

        Raises:
            SceneError: A file cannot be read there.
        """
        return self.read_tiled(window).scene

    def read_tiled(self, window: Window) -> TiledWindow:
        """The scene within a window, and the tiles that it was read from.

        Raises:
            SceneError: A file cannot be read there.
        """
        read = {name: self._decoded(name, window) for name in self.images}
        decoded = {name: image for name, (image, _) in read.items()}
        joined = {name: tiles for name, (_, tiles) in read.items() if tiles is not None}
        tiled = self.tiled
        on_grid = tiled is not None and tiled not in self.own
        numbers = joined[tiled][1].numbers if tiled is not None and on_grid else None
        has_data = {name: np.asarray(array.has_data) for name, array in decoded.items()}
        valid, masks = joint_masks(has_data, self.config.require)
        variables: dict[str, Any] = {}
        for name, array in decoded.items():
            array.values[~masks[name]] = 0
            dims = ("y", "x", f"band_{name}")
            variables[name] = (dims, array.values, attributes_of(array))
        variables |= mask_variables(masks, valid)
        told = {"scene": self.name, "modalities": json.dumps(list(decoded))}
        return TiledWindow(xr.Dataset(variables, attrs=told), numbers, joined)

    def digest(self) -> str:
        """Of the configuration and of the names, sizes and times of all files behind the scene."""
        images = (path for found in self.images.values() for path in paths_of(found))
        maps = label_paths(self._place(), self.config)
        files = files_behind([*images, *maps])
        return fingerprint(self.config.model_dump(mode="json"), files)

    def labels(self) -> tuple[np.ndarray, ClassTable] | None:
        """The scene's labels and classes; a plain map of numbers is read some rows at a time.

        Raises:
            SceneError: A label file is damaged, or lies on another grid.
        """
        return labels_of_files(self._place(), self.config, self.images, self.grid)

    def label_layers(self) -> LabelLayers:
        """All label maps of the scene.

        Raises:
            SceneError: A label file is damaged, or lies on another grid.
        """
        return label_layers(self._place(), self.config, self.images, self.grid)

    def tell_tiles(self) -> None:
        """Logs of each mosaic what a reading of the whole scene logs; only overlaps are read.

        Raises:
            SceneError: A file cannot be read there.
        """
        for name, found in self.images.items():
            if found.tiles:
                tell_by_windows(found, partial(self._stored, name))

    def _place(self) -> SceneFolders:
        """Where the files are looked for."""
        return SceneFolders(
            *(self.name, self.folders, self.config.source, self.reading),
            grid_tolerance=self.config.grid_tolerance,
        )

    def _stored(self, name: str, part: Window) -> FoundArray[ImageSource]:
        """A modality's stored numbers within a window of its own cells, its tiles joined."""
        found = self.images[name]

        def read(path: Path, window: Window) -> RawArray:
            variable, limits = found.source.variable, window.limits
            return read_raw(path, variable, self.reading, self.folders, limits)

        if found.tiles:
            return joined_window(found, read, self.config.modalities[name].nodata, part)
        return replace(found, arrays=tuple(read(path, part) for path in found.paths))

    def _decoded(
        self, name: str, window: Window
    ) -> tuple[ModalityArray, tuple[slice, TileOwners] | None]:
        """A modality within a window; the rows of its cells and their tiles, if it has some."""
        modality = self.config.modalities[name]
        size = self.own[name].cell_size if name in self.own else None
        part = window if size is None else cells_under(window, size, self.own[name].grid.shape)
        there = self._stored(name, part)
        tiles = (part.rows, there.owners) if there.owners is not None else None
        image = decode_image(there, modality, part.shape, is_whole=False)
        if size is None:
            return image, tiles
        offset = (
            window.rows.start - part.rows.start * size,
            window.columns.start - part.columns.start * size,
        )
        return repeated(image, size, window.shape, offset), tiles


def _first_pixel(found: FoundArray[ImageSource]) -> FoundArray[ImageSource]:
    """One pixel of each array, to find the bands after decoding."""
    arrays = (replace(array, values=array.values[:1, :1]) for array in found.arrays)
    return replace(found, arrays=tuple(arrays)) if found.tiles else found


def _check_as_they_lie(
    scene: str,
    layers: Mapping[str, FoundArray[ImageSource]],
    settled: SettledLayers,
    bands: int,
) -> None:
    """Checks that windows of the files are windows of the scene.

    Raises:
        WindowsError: A layer is resampled or turned.
    """
    whole = _resident_bytes(settled.grid.shape, bands)
    for key, found in layers.items():
        if key in settled.own and settled.own[key].cell_size is None:
            raise ResampledError(
                f"scene '{scene}': {found.where} is resampled to the grid of the scene, which "
                "cannot be done window by window",
                whole,
            )
        if not lie_alike(found, settled.layers[key]):
            raise ResampledError(
                f"scene '{scene}': {found.where} is mirrored relative to the scene, which cannot "
                "be read window by window",
                whole,
            )


def _resident_bytes(shape: tuple[int, int], bands: int) -> int:
    return _FLOAT * shape[0] * shape[1] * bands


def _form(array: ModalityArray) -> ModalityForm:
    return ModalityForm(array.kind, array.units, array.scale, array.values.shape[2])
