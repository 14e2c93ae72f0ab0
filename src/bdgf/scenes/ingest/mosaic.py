"""Joins adjacent tiles to one raster.

Each tile is read twice: first for its location, so that the whole is allocated once, then for its
values. Memory holds at most one tile in addition to the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bdgf.raster.windows import Window
from bdgf.scenes.config import NodataSetting
from bdgf.scenes.ingest.declared import is_nodata, nodata_table
from bdgf.scenes.ingest.found_array import FoundArray, SourceT, TileOwners, TilePlace
from bdgf.scenes.ingest.tile_places import Tile, described_tile, placed_tiles, settled_tile
from bdgf.scenes.ingest.tile_tally import tell_joined
from bdgf.scenes.readers.raw_array import RawArray, WindowsError
from bdgf.scenes.readers.reading_limits import check_declared

if TYPE_CHECKING:
    from affine import Affine

# What no pixel has yet, what has a band without data, what is whole, and what is whole in another
# tile too, with other values.
_EMPTY, _PARTIAL, _WHOLE, _DIFFERING = 0, 1, 2, 3


@dataclass
class _Whole:
    """The raster of all tiles, filled tile by tile.

    Attributes:
        values: (y, x, band) as stored.
        masked: (y, x) or (y, x, band) bool, True where a mask hides the value or no tile lies.
        state: (y, x), how much of a pixel there is already.
        owners: (y, x), the number of the tile that a pixel is of, from 1; 0 in none.
        keeps_nodata: Whether all tiles declare the same nodata values; else they are masked.
    """

    values: np.ndarray
    masked: np.ndarray
    state: np.ndarray
    owners: np.ndarray
    keeps_nodata: bool

    @classmethod
    def of(
        cls,
        tiles: Sequence[Tile],
        shape: tuple[int, int],
        bands: int,
        dtype: np.dtype,
        most: int,
    ) -> _Whole:
        """An empty one of this shape for these tiles or parts of them, numbered up to `most`."""
        whole = (*shape, bands)
        keeps_nodata = len({tile.said.nodata for tile in tiles}) <= 1
        by_band = not keeps_nodata or any(tile.has_band_masks for tile in tiles)
        masked = np.ones(whole if by_band else shape, bool)
        state = np.full(shape, _EMPTY, np.uint8)
        owners = np.zeros(shape, np.min_scalar_type(most))
        return cls(np.zeros(whole, dtype), masked, state, owners, keeps_nodata)

    def put(self, array: RawArray, nodata: NodataSetting, top: int, left: int, number: int) -> None:
        """Adds a tile where earlier tiles have no data.

        Args:
            array: The tile, (y, x, band).
            nodata: What the scene's file says of no data.
            top: Row of its first pixel.
            left: Column of its first pixel.
            number: The tile's number.
        """
        fill = is_nodata(array.values, nodata_table(array, nodata, array.values.shape[2]))
        rows, columns = array.values.shape[:2]
        here = np.s_[top : top + rows, left : left + columns]
        values, state, masked = self.values[here], self.state[here], self.masked[here]
        is_whole = np.asarray(~_without_data(array, fill).any(axis=2))
        twice = (state >= _WHOLE) & is_whole
        twice[twice] = (values[twice] != array.values[twice]).any(axis=1)
        state[twice] = _DIFFERING
        taken = (state == _EMPTY) | ((state == _PARTIAL) & is_whole)
        values[taken] = array.values[taken]
        masked[taken] = self._hidden(array, fill)[taken]
        state[taken] = np.where(is_whole[taken], _WHOLE, _PARTIAL)
        self.owners[here][taken] = number

    def joined_to(
        self, tiles: FoundArray[SourceT], said: RawArray, top: int = 0, left: int = 0
    ) -> FoundArray[SourceT]:
        """The item with this array, of which `said` tells the rest.

        Args:
            tiles: The item.
            said: What the array is but for its values, placed as the whole mosaic.
            top: Row of its first pixel in that.
            left: Column of it.
        """
        array = replace(
            said,
            values=self.values,
            masked=self.masked if self.masked.any() else None,
            nodata=said.nodata if self.keeps_nodata else ((),),
        )
        differing = (self.state == _DIFFERING).sum(axis=1)
        owners = TileOwners(self.owners, _moved(said, top, left), differing)
        found = replace(tiles, arrays=(array,), owners=owners)
        if tiles.source.mask != "none" or array.masked is None:
            return found
        # It hides what lies in no tile; masks of files are dropped already.
        return replace(found, source=tiles.source.model_copy(update={"mask": "stored"}))

    def _hidden(self, array: RawArray, fill: np.ndarray) -> np.ndarray:
        """What of a tile is masked, with as many axes as the mask of the whole has."""
        hidden = np.zeros(fill.shape[:2], bool) if array.masked is None else array.masked
        if self.masked.ndim == 2:  # no tile has masks by band, and all keep their nodata values
            return hidden
        hidden = np.broadcast_to(hidden[..., None] if hidden.ndim == 2 else hidden, fill.shape)
        return hidden if self.keeps_nodata else hidden | fill


def described(
    tiles: FoundArray[SourceT], read: Callable[[Path], RawArray], tolerance: float
) -> tuple[FoundArray[SourceT], list[Tile]]:
    """A mosaic without its values: its array is 0 everywhere and takes no memory.

    Args:
        tiles: The item, its `paths` those of the tiles.
        read: Reads a tile, or a part that tells its `whole`.
        tolerance: How far the tiles' grid lines may lie apart, in pixels.

    Returns:
        The item with one array, axes (y, x, band), and its `tiles`; and what each tile says.

    Raises:
        SceneError: A tile has no place, another reference system, cell size, number of bands or
            scale, or lies off the others' grid lines.
    """
    placed = placed_tiles(
        tiles, [described_tile(tiles, path, read) for path in tiles.paths], tolerance
    )
    top, left = min(tile.row for tile in placed), min(tile.column for tile in placed)
    places = tuple(TilePlace(t.path, t.row - top, t.column - left, t.shape) for t in placed)
    shape = (
        max(place.row + place.shape[0] for place in places),
        max(place.column + place.shape[1] for place in places),
    )
    first = placed[0].said
    dtype = np.result_type(*(tile.said.values.dtype for tile in placed))
    array = replace(
        first,
        values=np.broadcast_to(np.zeros((), dtype), (*shape, first.values.shape[2])),
        transform=_moved(first, top, left),
        palette=_palette(placed),
        whole=shape,
    )
    names = tiles.source.file  # one name stands for all tiles, as one array does
    name = names[0] + " + ..." * (len(names) > 1)
    source = tiles.source.model_copy(update={"file": (name,)})
    paths = tiles.paths[:1]
    return replace(tiles, source=source, arrays=(array,), paths=paths, tiles=places), placed


def partly(read: Callable[[Path], RawArray]) -> Callable[[Path], RawArray]:
    """A reader of parts of tiles that refuses what only a whole file tells."""

    def part(path: Path) -> RawArray:
        array = read(path)
        if array.alpha is not None:  # a mask or an image, by its values
            raise WindowsError(f"{path}: its alpha band wants all of it")
        return array

    return part


def joined(
    tiles: FoundArray[SourceT],
    read: Callable[[Path], RawArray],
    nodata: NodataSetting,
    tolerance: float,
) -> FoundArray[SourceT]:
    """One raster of tiles; of several that have data at a pixel the first counts.

    Args:
        tiles: The item, its `paths` those of the tiles.
        read: Reads a tile.
        nodata: What the scene's file says of no data.
        tolerance: How far the tiles' grid lines may lie apart, in pixels.

    Returns:
        The item with one array, axes (y, x, band). Pixels in no tile are masked.

    Raises:
        SceneError: The tiles do not belong together (`described`), or the whole is larger than the
            limit.
    """
    found, placed = described(tiles, read, tolerance)
    (said,) = found.arrays
    rows, columns, bands = said.values.shape
    dtype = said.values.dtype
    check_declared(tiles.paths[0], f"the mosaic of {len(placed)} tiles", said.values.shape, dtype)
    whole = _Whole.of(placed, (rows, columns), bands, dtype, len(found.tiles))
    for number, place in enumerate(found.tiles, 1):
        array = settled_tile(tiles, place.path, read(place.path))
        whole.put(array, nodata, place.row, place.column, number)
    made = whole.joined_to(found, replace(said, whole=None))
    tell_joined(made)
    return made


def joined_window(
    found: FoundArray[SourceT],
    read: Callable[[Path, Window], RawArray],
    nodata: NodataSetting,
    window: Window,
) -> FoundArray[SourceT]:
    """A window of what `joined` makes of the tiles; only those in it are read.

    Args:
        found: The mosaic, as `described`.
        read: Reads a window of a tile.
        nodata: What the scene's file says of no data.
        window: The window, in pixels of the mosaic.
    """
    parts, numbers = [], []
    for number, place in enumerate(found.tiles, 1):
        rows = _shared(window.rows, place.row, place.shape[0])
        columns = _shared(window.columns, place.column, place.shape[1])
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        array = settled_tile(found, place.path, read(place.path, Window(rows, columns)))
        by_band = array.masked is not None and array.masked.ndim == array.values.ndim
        row = place.row + rows.start - window.rows.start
        column = place.column + columns.start - window.columns.start
        parts.append(Tile(place.path, array, by_band, row, column))
        numbers.append(number)
    (said,) = found.arrays
    bands, dtype = said.values.shape[2], said.values.dtype
    whole = _Whole.of(parts, window.shape, bands, dtype, len(found.tiles))
    for number, part in zip(numbers, parts, strict=True):
        whole.put(part.said, nodata, part.row, part.column, number)
    if parts:  # some formats tell their nodata values only where there are any
        said = replace(said, nodata=parts[0].said.nodata)
    return whole.joined_to(found, said, window.rows.start, window.columns.start)


def _shared(part: slice, first: int, length: int) -> slice:
    """What rows or columns of a window lie in a tile, counted from the tile's first."""
    return slice(max(part.start - first, 0), min(part.stop - first, length))


def _without_data(array: RawArray, fill: np.ndarray) -> np.ndarray:
    """(y, x, band) bool: where a tile has no data; `fill` is where it holds nodata values."""
    missing = fill.copy()
    if array.values.dtype.kind == "f":
        missing |= ~np.isfinite(array.values)
    if array.valid_range is not None:
        least, greatest = array.valid_range
        missing |= (array.values < least) | (array.values > greatest)
    if array.masked is not None:
        whole = array.masked.ndim == missing.ndim
        missing |= array.masked if whole else array.masked[..., None]
    if array.alpha is not None:
        missing |= (array.values[..., array.alpha] == 0)[..., None]
    return missing


def _moved(first: RawArray, rows: int, columns: int) -> Affine:
    """The transform of the whole, which begins so many pixels from the first tile."""
    from affine import Affine

    assert first.transform is not None
    return first.transform @ Affine.translation(columns, rows)


def _palette(tiles: Sequence[Tile]) -> dict[int, tuple[int, int, int]] | None:
    """The colours of all tiles' values; the first tile's count where they differ."""
    palettes = [tile.said.palette for tile in tiles if tile.said.palette]
    return {value: colour for one in reversed(palettes) for value, colour in one.items()} or None
