"""An array of the scene as found: its files and their contents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from bdgf.scenes.readers.raw_array import RawArray
from bdgf.scenes.readers.vectors import Vectors
from bdgf.scenes.sources import Source

if TYPE_CHECKING:
    from affine import Affine

SourceT = TypeVar("SourceT", bound=Source)

_QUOTE = "'"  # around a modality's name


@dataclass(frozen=True)
class TilePlace:
    """Where a tile lies in its mosaic.

    Attributes:
        path: Its file.
        row: Row of its first pixel.
        column: Column of its first pixel.
        shape: Its rows and columns.
    """

    path: Path
    row: int
    column: int
    shape: tuple[int, int]


@dataclass(frozen=True)
class TileOwners:
    """Which tile of a mosaic each of its pixels is of.

    Attributes:
        numbers: (y, x) integers from 1, in the order of the tiles; 0 in no tile.
        transform: From (column, row) of `numbers` to coordinates, however the array may be turned.
        differing: (y,) pixels of each row that several tiles hold with other values.
    """

    numbers: np.ndarray
    transform: Affine
    differing: np.ndarray


@dataclass(frozen=True)
class FoundArray(Generic[SourceT]):
    """An array of the scene as it was found.

    Attributes:
        scene: The scene's name.
        item: What it is, such as "modality 'hsi'".
        source: The alternative that was taken.
        arrays: One array a file of the source.
        paths: The files, one an array; of a mosaic the first of its tiles.
        tiles: All tiles of a mosaic, else none.
        owners: Which of them each pixel is of, where the mosaic is joined.
        vectors: Its polygons or points, where the file holds such; then there are no arrays.
    """

    scene: str
    item: str
    source: SourceT
    arrays: tuple[RawArray, ...]
    paths: tuple[Path, ...]
    tiles: tuple[TilePlace, ...] = ()
    owners: TileOwners | None = None
    vectors: Vectors | None = None

    @property
    def where(self) -> str:
        """The files and the variable, for messages."""
        return self.source.describe()

    @property
    def key(self) -> str:
        """Its place in the scene's file, such as `modalities.hsi`."""
        kind, _, name = self.item.partition(" ")
        return f"modalities.{name.strip(_QUOTE)}" if kind == "modality" else self.item

    @property
    def about(self) -> str:
        """The beginning of a message about it."""
        return f"{self.scene}: {self.item} from {self.where}"


def without_masks_of_files(found: FoundArray[SourceT]) -> FoundArray[SourceT]:
    """The same pixels hidden as with `mask: none`, under `mask: stored`.

    Whoever masks pixels that lie in no file needs the setting to heed that mask.
    """
    if found.source.mask != "none":
        return found
    arrays = tuple(replace(array, masked=None, alpha=None) for array in found.arrays)
    source = found.source.model_copy(update={"mask": "stored"})
    return replace(found, source=source, arrays=arrays)
