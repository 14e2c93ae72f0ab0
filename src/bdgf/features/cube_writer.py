"""Writes a feature cube tile by tile, so that a killed extraction can resume."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import h5py
import numpy as np

from bdgf.core.digests import file_digest, write_digests
from bdgf.core.fingerprint import content_digest
from bdgf.core.hdf5_writing import allocate, hdf5_for_writing
from bdgf.core.storage import writing, written_whole
from bdgf.features.cube_frame import check_frame, frame_path, write_frame

log = logging.getLogger(__name__)

CHUNK = 64
"""Side of an HDF5 chunk, in pixels of the scene."""

LEAST_STD = 1e-6
"""A channel that varies less than this is constant, and gets a standard deviation of 1."""


_TILES_A_CHUNK = 64
"""Tiles whose statistics lie in one HDF5 chunk."""

_FEATURES = "<f2"
"""Number type of features."""

_DONE = "tile_digest"
"""(tiles,) digest of what was written for a tile; empty as long as it is not done."""


@dataclass(frozen=True)
class CubeLayout:
    """Layout of a cube.

    Attributes:
        fingerprint: Digest of all that makes the features.
        scene: The scene's name.
        shape: (H, W) of the scene.
        timesteps: Diffusion steps, in the order of the channels.
        channels: Level -> number of channels.
        tiles: Number of tiles that the cube is written in.
    """

    fingerprint: str
    scene: str
    shape: tuple[int, int]
    timesteps: Sequence[int]
    channels: Mapping[int, int]
    tiles: int


class FeatureCubeWriter:
    """Fills `<path>.part`, then renames it, so that `path` is always complete.

    All chunks are allocated when the file is made, and every tile is flushed before its digest says
    that it is done, so a killed process leaves a file that can be read and continued. What it left
    is compared with these digests before it is continued. Equal cubes are equal files, as no
    time stamp is in them.

    Attributes:
        path: The cube's final name.
        layout: What it holds.
        done: (tiles,) bool, the tiles that are written.
        normalisation: (timesteps, 2, groups) float32 that the features were made with; None
            until it is written.
    """

    def __init__(self, path: Path, layout: CubeLayout) -> None:
        """Continues an unfinished cube with the same layout, or starts a new one."""
        self.path, self.layout = path, layout
        self._partial = path.with_name(path.name + ".part")
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self.normalisation: np.ndarray | None = None
        self.done = np.zeros(layout.tiles, bool)
        if self._take_up():
            allocate(self._partial, path)
        else:
            self._create()
        if self.done.any():
            log.info(
                "continuing the feature cube %s: %d of %d tiles are there",
                path,
                self.done.sum(),
                layout.tiles,
            )

    def write_normalisation(self, normalisation: np.ndarray) -> None:
        """Writes the frozen statistics of the denoiser's normalisation, before any tile.

        Args:
            normalisation: (timesteps, 2, groups) float32.
        """
        frame_path(self._partial).unlink(missing_ok=True)  # one more dataset changes it
        with hdf5_for_writing(self._partial, "r+") as file:
            file.create_dataset(
                "normalisation",
                data=normalisation,
                chunks=normalisation.shape,
                fletcher32=True,
                track_times=False,
            )
        write_frame(self._partial)
        self.normalisation = normalisation

    def write(
        self,
        tile: int,
        corner: tuple[int, int],
        features: Mapping[int, np.ndarray],
        valid: Mapping[int, np.ndarray],
    ) -> None:
        """Writes one tile and marks it as done.

        Args:
            tile: The tile's number.
            corner: (row, column) of its upper left pixel, multiples of the coarsest cell.
            features: Level -> (C_l, h, w) float16.
            valid: Level -> (h, w) bool, the cells that count in the statistics.
        """
        written = {}
        with hdf5_for_writing(self._partial, "r+") as file:
            for level, values in features.items():
                part = _TilePart.of(values, valid[level], (corner[0] >> level, corner[1] >> level))
                part.write(file[f"level_{level}"], tile)
                written[level] = part
            file.flush()
            file[_DONE][tile] = _digest(self.normalisation, written).encode()
        self.done[tile] = True

    def finish(self) -> None:
        """Writes the statistics and the file's digest, and renames the cube."""
        with hdf5_for_writing(self._partial, "r+") as file:
            for level in self.layout.channels:
                group = file[f"level_{level}"]
                count = max(int(group["tile_count"][:].sum()), 1)
                mean = group["tile_sum"][:].sum(axis=0) / count
                variance = group["tile_square_sum"][:].sum(axis=0) / count - mean**2
                std = np.sqrt(variance.clip(min=0))
                group["mean"][:] = mean
                group["std"][:] = np.where(std < LEAST_STD, 1.0, std)
        write_digests(self.path, {self.path.name: file_digest(self._partial)})
        with writing(self.path):
            os.replace(self._partial, self.path)
        frame_path(self._partial).unlink(missing_ok=True)

    def _take_up(self) -> bool:
        # Continues the file of an earlier process of the same extraction, if there is one.
        if not self._partial.exists() or not frame_path(self._partial).exists():
            return False
        try:
            check_frame(self._partial)
            with h5py.File(self._partial, "r") as file:
                if file.attrs["fingerprint"] != self.layout.fingerprint:
                    return False
                frozen = np.asarray(file["normalisation"]) if "normalisation" in file else None
                done = _done_tiles(file, self.layout, frozen)
        except Exception as error:  # a damaged file raises many types
            reason = " ".join(str(error).split())
            log.warning(
                "the unfinished feature cube %s is damaged (%s); starting again",
                self._partial,
                reason,
            )
            return False
        self.normalisation, self.done = frozen, done
        return True

    def _create(self) -> None:
        starting = self._partial.with_name(self._partial.name + ".new")
        with writing(self.path, _size(self.layout)):
            frame_path(self._partial).unlink(missing_ok=True)  # that of an earlier file
            with written_whole(self._partial, starting):
                with hdf5_for_writing(starting, "w") as file:
                    _create_datasets(file, self.layout)
                allocate(starting, self.path)
            write_frame(self._partial)


@dataclass(frozen=True)
class _TilePart:
    """Data of a tile at one level: features, and sums for the statistics."""

    box: list[int]  # top, left, height, width in cells
    features: np.ndarray
    count: int
    sums: np.ndarray
    square_sums: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, valid: np.ndarray, corner: tuple[int, int]) -> _TilePart:
        features = np.asarray(features, np.float16)
        cells = features[:, valid].astype(np.float64)  # (C_l, cells)
        squares = np.einsum("cn,cn->c", cells, cells)
        box = [int(value) for value in (*corner, *features.shape[1:])]
        return cls(box, features, cells.shape[1], cells.sum(axis=1), squares)

    @classmethod
    def read(cls, group: h5py.Group, tile: int) -> _TilePart:
        box = [int(value) for value in group["tile_box"][tile]]
        return cls(
            box,
            group["features"][_cells(box)],
            int(group["tile_count"][tile]),
            group["tile_sum"][tile],
            group["tile_square_sum"][tile],
        )

    def write(self, group: h5py.Group, tile: int) -> None:
        group["features"][_cells(self.box)] = self.features
        group["tile_box"][tile] = self.box
        group["tile_count"][tile] = self.count
        group["tile_sum"][tile] = self.sums
        group["tile_square_sum"][tile] = self.square_sums


def _cells(box: Sequence[int]) -> tuple[slice, slice, slice]:
    top, left, height, width = box
    return slice(None), slice(top, top + height), slice(left, left + width)


def _digest(normalisation: np.ndarray | None, parts: Mapping[int, _TilePart]) -> str:
    return content_digest(normalisation, {level: vars(part) for level, part in parts.items()})


def _done_tiles(
    file: h5py.File, layout: CubeLayout, normalisation: np.ndarray | None
) -> np.ndarray:
    # (tiles,) bool. Raises whatever it likes where the file is not as it was written.
    file.visititems(_read_all)  # a chunk cut short would fail when something is added to it
    digests = file[_DONE][:]
    for tile in np.flatnonzero(digests):
        parts = {
            level: _TilePart.read(file[f"level_{level}"], int(tile)) for level in layout.channels
        }
        if _digest(normalisation, parts).encode() != digests[tile]:
            raise ValueError(f"tile {tile} is not as it was written")
    return digests != b""


def _read_all(_: str, item: h5py.Group | h5py.Dataset) -> None:
    if isinstance(item, h5py.Dataset):
        for start in range(0, item.shape[-1], CHUNK):  # some columns at a time: it may be large
            item[..., start : start + CHUNK]


def _size(layout: CubeLayout) -> int:
    # Bytes of the features, which are nearly all of the file.
    cells = ((-(-side // 2**level) for side in layout.shape) for level in layout.channels)
    values = zip(layout.channels.values(), cells, strict=True)
    return sum(channels * prod(shape) * np.dtype(_FEATURES).itemsize for channels, shape in values)


def _create_datasets(file: h5py.File, layout: CubeLayout) -> None:
    file.attrs["fingerprint"] = layout.fingerprint
    file.attrs["scene"] = layout.scene
    file.attrs["shape"] = layout.shape
    file.attrs["timesteps"] = list(layout.timesteps)
    file.attrs["complete"] = True  # once it has its name; an attribute that changes is no frame
    tiles, some = layout.tiles, min(layout.tiles, _TILES_A_CHUNK)
    _create(file, _DONE, (tiles,), "S64", (some,))
    for level, channels in layout.channels.items():
        group = file.create_group(f"level_{level}")
        rows, columns = (-(-side // 2**level) for side in layout.shape)
        side = max(1, CHUNK >> level)
        chunk = (channels, min(side, rows), min(side, columns))
        _create(group, "features", (channels, rows, columns), _FEATURES, chunk)
        for name in ("mean", "std"):
            _create(group, name, (channels,), "<f4", (channels,))
        _create(group, "tile_box", (tiles, 4), "<i8", (some, 4))
        _create(group, "tile_count", (tiles,), "<i8", (some,))
        for name in ("tile_sum", "tile_square_sum"):
            _create(group, name, (tiles, channels), "<f8", (some, channels))


def _create(
    group: h5py.Group, name: str, shape: tuple[int, ...], kind: str, chunk: tuple[int, ...]
) -> None:
    # Chunks with checksums, all allocated at once; no time stamp.
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk(chunk)
    properties.set_fletcher32()
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_obj_track_times(False)
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(
        group.id, name.encode(), h5py.h5t.py_create(np.dtype(kind)), space, dcpl=properties
    )
