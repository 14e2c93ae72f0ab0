"""Windows of a scene that stays in its files: what is held does not grow with the scene."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bdgf.core.fingerprint import fingerprint
from bdgf.core.machine_memory import GIB
from bdgf.raster.windows import Window
from bdgf.scenes.config import SceneConfig, parse_scene_config
from bdgf.scenes.ingest.cell_sizes import cells_under, repeated
from bdgf.scenes.ingest.decoding import decode_image
from bdgf.scenes.ingest.found_array import FoundArray, SourceT
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.ingest.label_maps import label_maps, table_of
from bdgf.scenes.ingest.layer_grids import (
    OwnGrid,
    SettledLayers,
    layer_settings,
    settle_layers,
)
from bdgf.scenes.ingest.layer_placement import labels_on_grid
from bdgf.scenes.ingest.mosaic import joined_window
from bdgf.scenes.ingest.read_scene import IngestSettings, find_images, find_maps, read_scene
from bdgf.scenes.ingest.source_files import SceneFolders
from bdgf.scenes.ingest.vector_labels import Grid, vector_labels
from bdgf.scenes.mask_variables import joint_masks, mask_variables
from bdgf.scenes.readers.isolation import read_raw
from bdgf.scenes.readers.raw_array import BAND, RawArray, WindowsError, X, Y
from bdgf.scenes.readers.reading_limits import ReadingSettings
from bdgf.scenes.scene import LABELS, ModalityArray, attributes_of
from bdgf.scenes.scene_windows import DatasetWindows, ModalityForm, SceneWindows
from bdgf.scenes.sources import ImageSource, LabelSource

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS

    from bdgf.scenes.classes import ClassTable

log = logging.getLogger(__name__)

_LABEL_ROWS = 512
"""Rows of a label map that are read at a time."""
_FIRST = Window(slice(0, 1), slice(0, 1))
"""A part that tells what a file declares."""


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
        """Looks at what the files declare.

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
            *(name, folders, config.source, reading, _as_limits(_FIRST)),
            grid_tolerance=config.grid_tolerance,
        )
        images = find_images(place, config)
        layers = {f"modality {modality}": _hollow(found) for modality, found in images.items()}
        settled = settle_layers(name, layers, layer_settings(config), config)
        _check_as_they_lie(name, layers, settled)
        own = {m: settled.own[f"modality {m}"] for m in images if f"modality {m}" in settled.own}
        order = sorted(images, key=lambda modality: config.modalities[modality].kind != "spectral")
        first = {
            modality: decode_image(
                _first_pixel(images[modality]),
                config.modalities[modality],
                _FIRST.shape,
                is_whole=False,
            )
            for modality in order
        }
        forms = {modality: _form(array) for modality, array in first.items()}
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
        """What the numbers of each modality are."""
        return dict(self.forms)

    @property
    def resident_bytes(self) -> int:
        """What the scene would take in memory."""
        pixels = self.shape[0] * self.shape[1]
        return 4 * pixels * sum(form.bands for form in self.forms.values())

    def read(self, window: Window) -> xr.Dataset:
        """The scene within a window: its modalities (y, x, band) float32 and their masks.

        Raises:
            SceneError: A file cannot be read there.
        """
        decoded = {name: self._decoded(name, window) for name in self.images}
        has_data = {name: np.asarray(array.has_data) for name, array in decoded.items()}
        valid, masks = joint_masks(has_data, self.config.require)
        variables: dict[str, Any] = {}
        for name, array in decoded.items():
            array.values[~masks[name]] = 0
            dims = ("y", "x", f"band_{name}")
            variables[name] = (dims, array.values, attributes_of(array))
        variables |= mask_variables(masks, valid)
        told = {"scene": self.name, "modalities": json.dumps(list(decoded))}
        return xr.Dataset(variables, attrs=told)

    def digest(self) -> str:
        """Of the configuration and of the files' names, sizes and times."""
        files = [
            (str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns)
            for found in self.images.values()
            for path in (*found.paths, *(tile.path for tile in found.tiles))
        ]
        return fingerprint(self.config.model_dump(mode="json"), files)

    def labels(self) -> tuple[np.ndarray, ClassTable] | None:
        """The scene's labels and classes; a plain map of numbers is read some rows at a time.

        Raises:
            SceneError: A label file is damaged, or lies on another grid.
        """
        if self.config.labels is None and self.config.official_train is None:
            return None
        if (by_rows := self._labels_by_rows()) is not None:
            return by_rows
        place = SceneFolders(
            *(self.name, self.folders, self.config.source, self.reading),
            grid_tolerance=self.config.grid_tolerance,
        )
        maps = find_maps(place, self.config)
        vectors = {item: found for item, found in maps.items() if found.vectors is not None}
        grids = {
            item: found
            for item, found in maps.items()
            if found.source.form != "pixels" and item not in vectors
        }
        settled = self._settled_with(grids)
        for item in grids:
            maps[item] = settled.layers[item]
            if item in settled.own:
                maps[item] = labels_on_grid(maps[item], settled.own[item], settled.grid)
        burned = vector_labels(vectors, self.config, Grid(self.crs, self.transform, self.shape))
        ids = label_maps(self.name, maps, burned.config, burned.maps)
        rasters = [found for item, found in maps.items() if item not in vectors]
        classes = table_of(burned.config, ids, rasters)
        merged = ids.get(LABELS)
        if merged is None:
            merged = np.maximum.reduce(list(ids.values()))
        return (merged, classes) if merged.any() else None

    def _labels_by_rows(self) -> tuple[np.ndarray, ClassTable] | None:
        """Labels as numbers in a raster of the scene's size; None where they are anything else."""
        if self.config.labels is None:
            return None
        first = SceneFolders(
            *(self.name, self.folders, self.config.source, self.reading, _as_limits(_FIRST)),
            grid_tolerance=self.config.grid_tolerance,
        )
        try:
            found = first.read(LABELS, self.config.labels.sources, self.config.labels.optional)
        except WindowsError:
            return None
        if found is None or not _is_plain(found, self.shape):
            return None
        layers = {LABELS: _hollow(found)}
        settled = self._settled_with(layers)
        if LABELS in settled.own or not _lies_alike(layers[LABELS], settled.layers[LABELS]):
            return None
        labels = np.zeros(self.shape, np.uint8)
        for start in range(0, self.shape[0], _LABEL_ROWS):
            rows = slice(start, min(start + _LABEL_ROWS, self.shape[0]))
            limits = (rows.start, rows.stop, 0, self.shape[1])
            array = read_raw(found.paths[0], None, self.reading, self.folders, limits)
            part = replace(found, arrays=(array,))
            labels[rows] = label_maps(self.name, {LABELS: part}, self.config)[LABELS]
        if not labels.any():
            return None
        return labels, table_of(self.config, {LABELS: labels}, [found])

    def _settled_with(self, maps: Mapping[str, FoundArray[Any]]) -> SettledLayers:
        """The grids of the images and of label maps."""
        images = {f"modality {m}": _hollow(found) for m, found in self.images.items()}
        return settle_layers(
            self.name, {**images, **maps}, layer_settings(self.config), self.config
        )

    def _decoded(self, name: str, window: Window) -> ModalityArray:
        found, modality = self.images[name], self.config.modalities[name]
        size = self.own[name].cell_size if name in self.own else None
        part = window if size is None else cells_under(window, size, self.own[name].grid.shape)

        def read(path: Path, window: Window) -> RawArray:
            variable, limits = found.source.variable, _as_limits(window)
            return read_raw(path, variable, self.reading, self.folders, limits)

        if found.tiles:
            there = joined_window(found, read, modality.nodata, part)
        else:
            there = replace(found, arrays=tuple(read(path, part) for path in found.paths))
        image = decode_image(there, modality, part.shape, is_whole=False)
        if size is None:
            return image
        offset = (
            window.rows.start - part.rows.start * size,
            window.columns.start - part.columns.start * size,
        )
        return repeated(image, size, window.shape, offset)


def open_scene(
    name: str,
    configuration: Mapping[str, Any],
    settings: IngestSettings,
    resident_gib: float = 1.0,
) -> SceneWindows:
    """A scene to be read window by window: from memory where it fits, else from its files.

    Both give the same numbers.

    Args:
        name: The scene's name.
        configuration: What its YAML file holds below the name.
        settings: Where its files are looked for.
        resident_gib: What a scene in memory may take, in GiB.

    Raises:
        SettingsError: The configuration is wrong.
        SceneError: The files are.
    """
    config = parse_scene_config(name, configuration)
    folders = [Path(folder) / (config.folder or name) for folder in settings.folders]
    try:
        opened = FileWindows.open(name, config, folders, settings)
    except WindowsError as reason:
        log.debug("%s: read whole (%s)", name, reason)
    else:
        if opened.resident_bytes > resident_gib * GIB:
            log.info(
                "%s: %dx%d pixels, %.3g GiB: read from its files, window by window",
                *(name, *opened.shape, opened.resident_bytes / GIB),
            )
            return opened
    return DatasetWindows(read_scene(name, config, folders, settings))


def _hollow(found: FoundArray[SourceT]) -> FoundArray[SourceT]:
    """The arrays at the size of their files, without values and without the memory for them.

    Raises:
        WindowsError: The files are read whole.
    """
    arrays = []
    for array in found.arrays:
        if array.alpha is not None or found.source.axes is not None:
            raise WindowsError(f"{found.about}: its alpha band or axes want all of it")
        if array.whole is None or array.axes != (Y, X, BAND):
            raise WindowsError(f"{found.about}: it does not say how its axes lie")
        shape = (*array.whole, array.values.shape[2])
        nothing = np.broadcast_to(np.zeros((), array.values.dtype), shape)
        arrays.append(replace(array, values=nothing, masked=None))
    return replace(found, arrays=tuple(arrays))


def _first_pixel(found: FoundArray[ImageSource]) -> FoundArray[ImageSource]:
    """One pixel of each array, which tells what decoding makes of the bands."""
    arrays = (replace(array, values=array.values[:1, :1]) for array in found.arrays)
    return replace(found, arrays=tuple(arrays)) if found.tiles else found


def _check_as_they_lie(
    scene: str, layers: Mapping[str, FoundArray[ImageSource]], settled: SettledLayers
) -> None:
    """Checks that windows of the files are windows of the scene.

    Raises:
        WindowsError: A layer is resampled or turned.
    """
    for key, found in layers.items():
        if key in settled.own and settled.own[key].cell_size is None:
            raise WindowsError(f"scene '{scene}': {found.where} is resampled whole")
        if not _lies_alike(found, settled.layers[key]):
            raise WindowsError(f"scene '{scene}': its files lie mirrored to one another")


def _lies_alike(before: FoundArray[Any], after: FoundArray[Any]) -> bool:
    """Whether no array was turned."""
    pairs = zip(before.arrays, after.arrays, strict=True)
    return all(one.transform == other.transform for one, other in pairs)


def _is_plain(found: FoundArray[LabelSource], shape: tuple[int, int]) -> bool:
    array = found.arrays[0]
    return (
        len(found.arrays) == 1
        and not found.tiles
        and found.source.form != "pixels"
        and found.source.axes is None
        and array.whole == shape
        and array.values.shape[2:] == (1,)
        and array.alpha is None
        and array.regions is None
        and array.palette is None
    )


def _as_limits(window: Window) -> tuple[int, int, int, int]:
    return window.rows.start, window.rows.stop, window.columns.start, window.columns.stop


def _form(array: ModalityArray) -> ModalityForm:
    return ModalityForm(array.kind, array.units, array.scale, array.values.shape[2])
