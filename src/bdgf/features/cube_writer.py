"""Writes a feature cube tile by tile, so that a killed extraction can be taken up again."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from bdgf.core.hdf5_writing import allocate, hdf5_for_writing
from bdgf.core.storage import writing, written_whole

log = logging.getLogger(__name__)

CHUNK = 64
"""Side of an HDF5 chunk, in pixels of the scene."""

LEAST_STD = 1e-6
"""A channel that varies less than this is constant, and gets a standard deviation of 1."""


@dataclass(frozen=True)
class CubeLayout:
    """What a cube will hold.

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
    """Fills `<path>.part`, then renames it: `path` holds a whole cube or none.

    All chunks are allocated when the file is made, on the disk too, so that a disk which is too
    small is told before the first tile. Every tile is flushed before it is marked
    as done, so a killed process leaves a file that can be read and continued.

    Attributes:
        path: The cube's final name.
        layout: What it holds.
        done: (tiles,) bool, the tiles that are written.
        normalisation: (timesteps, 2, groups) float32 that the features were made with; None
            until it is written.
    """

    def __init__(self, path: Path, layout: CubeLayout) -> None:
        """Continues the unfinished cube of the same layout, or starts a new one."""
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
        with hdf5_for_writing(self._partial, "r+") as file:
            file.create_dataset("normalisation", data=normalisation)
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
        with hdf5_for_writing(self._partial, "r+") as file:
            for level, values in features.items():
                group = file[f"level_{level}"]
                top, left = corner[0] >> level, corner[1] >> level
                height, width = values.shape[1:]
                group["features"][:, top : top + height, left : left + width] = values
                cells = values[:, valid[level]].astype(np.float64)  # (C_l, cells)
                group["tile_count"][tile] = cells.shape[1]
                group["tile_sum"][tile] = cells.sum(axis=1)
                group["tile_square_sum"][tile] = np.einsum("cn,cn->c", cells, cells)
            file.flush()
            file["done"][tile] = True
        self.done[tile] = True

    def finish(self) -> None:
        """Writes the statistics and gives the cube its name."""
        with hdf5_for_writing(self._partial, "r+") as file:
            for level in self.layout.channels:
                group = file[f"level_{level}"]
                count = max(int(group["tile_count"][:].sum()), 1)
                mean = group["tile_sum"][:].sum(axis=0) / count
                variance = group["tile_square_sum"][:].sum(axis=0) / count - mean**2
                std = np.sqrt(variance.clip(min=0))
                group["mean"][:] = mean
                group["std"][:] = np.where(std < LEAST_STD, 1.0, std)
            file.attrs["complete"] = True
        with writing(self.path):
            os.replace(self._partial, self.path)

    def _take_up(self) -> bool:
        # Continues the file of an earlier process of the same extraction, if there is one.
        try:
            with h5py.File(self._partial, "r") as file:
                if file.attrs["fingerprint"] != self.layout.fingerprint:
                    return False
                self.done = np.asarray(file["done"], bool)
                if "normalisation" in file:
                    self.normalisation = np.asarray(file["normalisation"])
                return True
        except FileNotFoundError:
            return False
        except (OSError, KeyError):
            log.warning("the unfinished feature cube %s is damaged; starting anew", self._partial)
            return False

    def _create(self) -> None:
        starting = self._partial.with_name(self._partial.name + ".new")
        with written_whole(self._partial, starting):
            with hdf5_for_writing(starting, "w") as file:
                self._write_layout(file)
            allocate(starting, self.path)

    def _write_layout(self, file: h5py.File) -> None:
        layout = self.layout
        file.attrs["fingerprint"] = layout.fingerprint
        file.attrs["scene"] = layout.scene
        file.attrs["shape"] = layout.shape
        file.attrs["timesteps"] = list(layout.timesteps)
        file.attrs["complete"] = False
        file.create_dataset("done", data=np.zeros(layout.tiles, bool))
        for level, channels in layout.channels.items():
            group = file.create_group(f"level_{level}")
            rows, columns = (-(-side // 2**level) for side in layout.shape)
            _create_allocated(group, "features", (channels, rows, columns), CHUNK >> level)
            for name in ("mean", "std"):
                group.create_dataset(name, data=np.zeros(channels, np.float32))
            group.create_dataset("tile_count", data=np.zeros(layout.tiles, np.int64))
            for name in ("tile_sum", "tile_square_sum"):
                group.create_dataset(name, data=np.zeros((layout.tiles, channels)))


def _create_allocated(group: h5py.Group, name: str, shape: tuple[int, int, int], side: int) -> None:
    # Chunks of all channels and side x side cells, allocated at once and not filled.
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((shape[0], *(max(1, min(side, cells)) for cells in shape[1:])))
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple(shape)
    float16 = h5py.h5t.py_create(np.dtype("<f2"))
    h5py.h5d.create(group.id, name.encode(), float16, space, dcpl=properties)
