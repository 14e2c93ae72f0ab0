"""Raster layers as plain numbers in files, written block by block and resumable.

A block counts as written when its mark is written, after its numbers. A killed run therefore
leaves complete blocks, and the next run computes the others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bdgf.core.storage import writing
from bdgf.raster.windows import Window

_DONE = b"\1"


@dataclass(frozen=True)
class Layer:
    """What a layer's numbers are.

    Attributes:
        dtype: Name of the type.
        bands: Number of bands; None for a map without a band axis.
    """

    dtype: str
    bands: int | None = None


class BlockFile:
    """Layers of one raster in files side by side; a `Sink`, and afterwards what is read from.

    Attributes:
        place: The files' path without their suffixes.
        shape: (H, W) of the raster.
        layers: What each layer's numbers are.
    """

    def __init__(
        self,
        place: Path,
        shape: tuple[int, int],
        layers: Mapping[str, Layer],
        blocks: int,
        fingerprint: str,
    ) -> None:
        """Opens the files of an earlier identical run, or starts new ones.

        Args:
            place: The files' path without their suffixes.
            shape: (H, W) of the raster.
            layers: What each layer's numbers are.
            blocks: Number of blocks.
            fingerprint: Of all that decides the numbers and the blocks.

        Raises:
            StorageError: The disk refuses.
        """
        self.place, self.shape, self.layers = place, shape, dict(layers)
        told = {
            "fingerprint": fingerprint,
            "shape": list(shape),
            "layers": {name: [layer.dtype, layer.bands] for name, layer in layers.items()},
            "blocks": blocks,
        }
        if self._told() != told:
            with writing(self._header, self.size(shape, layers)):
                place.parent.mkdir(parents=True, exist_ok=True)
                self._header.unlink(missing_ok=True)
                for name, layer in layers.items():
                    with self._path(name).open("wb") as file:
                        file.truncate(_bytes(layer, shape))
                with self._marks.open("wb") as file:
                    file.truncate(blocks)
                self._header.write_text(json.dumps(told) + "\n")  # last: what is told is there
        self._done = bytearray(self._marks.read_bytes())

    @staticmethod
    def size(shape: tuple[int, int], layers: Mapping[str, Layer]) -> int:
        """Bytes that the layers take."""
        return sum(_bytes(layer, shape) for layer in layers.values())

    def done(self, number: int) -> bool:
        """Whether a block is written."""
        return self._done[number : number + 1] == _DONE

    def write(self, number: int, window: Window, layers: dict[str, np.ndarray]) -> None:
        """Writes the layers of a block, and then its mark.

        Args:
            number: The block's number.
            window: Where it lies.
            layers: (h, w), or (bands, h, w) where the layer has bands.

        Raises:
            StorageError: The disk refuses.
        """
        with writing(self._path(next(iter(self.layers)))):
            for name, layer in self.layers.items():
                self._write_layer(self._path(name), layer, window, layers[name])
            with self._marks.open("r+b") as file:
                os.pwrite(file.fileno(), _DONE, number)
        self._done[number : number + 1] = _DONE

    def read(self, name: str, rows: slice) -> np.ndarray:
        """Rows of a layer: (rows, W), or (bands, rows, W)."""
        layer, width = self.layers[name], self.shape[1]
        dtype, count = np.dtype(layer.dtype), (rows.stop - rows.start) * width
        parts = []
        with self._path(name).open("rb") as file:
            for band in range(layer.bands or 1):
                file.seek((band * self.shape[0] + rows.start) * width * dtype.itemsize)
                parts.append(np.frombuffer(file.read(count * dtype.itemsize), dtype))
        maps = np.stack(parts).reshape(len(parts), -1, width)
        return maps if layer.bands is not None else maps[0]

    def _write_layer(self, path: Path, layer: Layer, window: Window, values: np.ndarray) -> None:
        maps = np.asarray(values, layer.dtype)
        maps = maps if layer.bands is not None else maps[None]
        height, width = self.shape
        with path.open("r+b") as file:
            for band, band_values in enumerate(maps):
                for row, line in zip(
                    range(window.rows.start, window.rows.stop), band_values, strict=True
                ):
                    place = (band * height + row) * width + window.columns.start
                    os.pwrite(file.fileno(), line.tobytes(), place * maps.itemsize)

    def _told(self) -> object:
        try:
            return json.loads(self._header.read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def _path(self, name: str) -> Path:
        return self.place.with_name(f"{self.place.name}.{name}.raw")

    @property
    def _header(self) -> Path:
        return self.place.with_name(f"{self.place.name}.blocks.json")

    @property
    def _marks(self) -> Path:
        return self.place.with_name(f"{self.place.name}.blocks.done")


def _bytes(layer: Layer, shape: tuple[int, int]) -> int:
    return np.dtype(layer.dtype).itemsize * (layer.bands or 1) * shape[0] * shape[1]
