"""Locations of tiles, and whether they belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.axes import settle_axes
from bdgf.scenes.ingest.found_array import FoundArray, SourceT, without_masks_of_files
from bdgf.scenes.ingest.reference_systems import are_one, horizontal, names
from bdgf.scenes.readers.raw_array import RawArray

# What tiles must say alike, since the whole says it once.
_ALIKE = ("scale", "offset", "units", "alpha", "bad_bands", "valid_range")


@dataclass(frozen=True)
class Tile:
    """A tile as its file describes it.

    Attributes:
        path: Its file.
        said: Its array without the values, which are 0 everywhere and take no memory.
        has_band_masks: Whether its mask differs from band to band.
        row: Row of its first pixel, in pixels of the first tile.
        column: Column of its first pixel.
    """

    path: Path
    said: RawArray
    has_band_masks: bool
    row: int = 0
    column: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Its rows and columns."""
        return self.said.values.shape[0], self.said.values.shape[1]


def settled_tile(tiles: FoundArray[SourceT], path: Path, array: RawArray) -> RawArray:
    """A tile with its axes in order (y, x, band), its masks as far as they count."""
    source = tiles.source.model_copy(update={"file": (path.name,)})
    tile = FoundArray(tiles.scene, tiles.item, source, (array,), (path,))
    return without_masks_of_files(settle_axes(tiles.scene, [tile], None)[1][0]).arrays[0]


def described_tile(
    tiles: FoundArray[SourceT], path: Path, read: Callable[[Path], RawArray]
) -> Tile:
    """What a tile says, without its values.

    Args:
        tiles: The item.
        path: The tile's file.
        read: Reads it, or a part that tells its `whole`.
    """
    array = settled_tile(tiles, path, read(path))
    shape = (*(array.whole or array.values.shape[:2]), array.values.shape[2])
    nothing = np.broadcast_to(np.zeros((), array.values.dtype), shape)
    by_band = array.masked is not None and array.masked.ndim == array.values.ndim
    return Tile(path, replace(array, values=nothing, masked=None), by_band)


def placed_tiles(found: FoundArray[SourceT], tiles: Sequence[Tile], tolerance: float) -> list[Tile]:
    """The tiles with their places beside the first.

    Args:
        found: The item.
        tiles: What its tiles say.
        tolerance: How far their grid lines may lie apart, in pixels.

    Raises:
        SceneError: A tile has no place, or does not belong to the others.
    """
    first = tiles[0]
    placed = []
    for tile in tiles:
        if tile.said.transform is None:
            raise SceneError(
                f"{found.about}: {tile.path.name} has no georeference, so it cannot be placed "
                "next to the other tiles; add one, or set `mosaic: false` if the files are bands"
            )
        _check_alike(found, first, tile)
        assert first.said.transform is not None
        between = np.reshape(~first.said.transform @ tile.said.transform, (3, 3))
        row, column = round(between[1, 2]), round(between[0, 2])
        grid_of_first = np.eye(3)
        grid_of_first[0, 2], grid_of_first[1, 2] = column, row
        height, width = tile.shape
        corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
        apart = float(np.abs((between - grid_of_first) @ corners).max())
        if apart > tolerance:
            raise SceneError(
                f"{found.about}: {tile.path.name} lies up to {apart:.3g} pixels off the grid of "
                f"{first.path.name}; tiles have one cell size and share their lines: resample one "
                "onto the other's grid (gdalwarp -tap)"
            )
        placed.append(replace(tile, row=row, column=column))
    return placed


def _check_alike(found: FoundArray[SourceT], first: Tile, tile: Tile) -> None:
    one, other = first.said, tile.said
    if one.values.shape[2] != other.values.shape[2]:
        raise SceneError(
            f"{found.about}: {tile.path.name} has {other.values.shape[2]} bands but "
            f"{first.path.name} {one.values.shape[2]}; tiles have the same bands"
        )
    if one.crs is not None and other.crs is not None:
        systems = horizontal(one.crs), horizontal(other.crs)
        if not are_one(*systems, one.transform, first.shape):
            here, there = names(*systems)
            raise SceneError(
                f"{found.about}: {first.path.name} is in {here} but {tile.path.name} in {there}; "
                "reproject one (gdalwarp), or make it a separate scene"
            )
    for name in _ALIKE:
        if name in ("scale", "offset") and found.source.scale != "stored":
            continue
        if getattr(one, name) != getattr(other, name):
            raise SceneError(
                f"{found.about}: {tile.path.name} declares another {name.replace('_', ' ')} "
                f"({_words(getattr(other, name))}) than {first.path.name} "
                f"({_words(getattr(one, name))}); use the same in all tiles"
            )


def _words(value: object) -> str:
    if isinstance(value, tuple | frozenset):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)
