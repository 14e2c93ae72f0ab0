"""Tiles that lie side by side, joined to one raster.

Each tile is read twice: first for its place, so that the whole is allocated once, then for its
values. No more than one tile is held beside the whole.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.config import NodataSetting
from bdgf.scenes.ingest.axes import settle_axes
from bdgf.scenes.ingest.declared import is_nodata, nodata_table
from bdgf.scenes.ingest.found_array import FoundArray, SourceT, without_masks_of_files
from bdgf.scenes.ingest.reference_systems import are_one, horizontal, names
from bdgf.scenes.readers.raw_array import RawArray
from bdgf.scenes.readers.reading_limits import check_declared

if TYPE_CHECKING:
    from affine import Affine

log = logging.getLogger(__name__)

# What no pixel has yet, what has a band without data, and what is whole.
_EMPTY, _PARTIAL, _WHOLE = 0, 1, 2
# What tiles must say alike, since the whole says it once.
_ALIKE = ("scale", "offset", "units", "alpha", "bad_bands", "valid_range")


@dataclass(frozen=True)
class _Tile:
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
        return self.said.values.shape[0], self.said.values.shape[1]


@dataclass
class _Whole:
    """The raster of all tiles, filled tile by tile.

    Attributes:
        values: (y, x, band) as stored.
        masked: (y, x) or (y, x, band) bool, True where a mask hides the value or no tile lies.
        state: (y, x), how much of a pixel there is already.
        keeps_nodata: Whether all tiles declare the same nodata values; else they are masked.
        differing: Pixels of which several tiles tell other values.
    """

    values: np.ndarray
    masked: np.ndarray
    state: np.ndarray
    keeps_nodata: bool
    differing: int = 0

    @classmethod
    def of(cls, tiles: Sequence[_Tile], shape: tuple[int, int]) -> _Whole:
        said = tiles[0].said
        dtype = np.result_type(*(tile.said.values.dtype for tile in tiles))
        whole = (*shape, said.values.shape[2])
        check_declared(tiles[0].path, f"the mosaic of {len(tiles)} tiles", whole, dtype)
        keeps_nodata = len({tile.said.nodata for tile in tiles}) == 1
        by_band = not keeps_nodata or any(tile.has_band_masks for tile in tiles)
        masked = np.ones(whole if by_band else shape, bool)
        state = np.full(shape, _EMPTY, np.uint8)
        return cls(np.zeros(whole, dtype), masked, state, keeps_nodata)

    def put(self, array: RawArray, fill: np.ndarray, top: int, left: int) -> None:
        """Takes a tile in, where no tile before it is whole.

        Args:
            array: The tile, (y, x, band).
            fill: Of its shape, where it holds nodata values.
            top: Row of its first pixel.
            left: Column of its first pixel.
        """
        rows, columns = array.values.shape[:2]
        here = np.s_[top : top + rows, left : left + columns]
        values, state, masked = self.values[here], self.state[here], self.masked[here]
        is_whole = np.asarray(~_without_data(array, fill).any(axis=2))
        twice = (state == _WHOLE) & is_whole
        self.differing += int((values[twice] != array.values[twice]).any(axis=1).sum())
        taken = (state == _EMPTY) | ((state == _PARTIAL) & is_whole)
        values[taken] = array.values[taken]
        masked[taken] = self._hidden(array, fill)[taken]
        state[taken] = np.where(is_whole[taken], _WHOLE, _PARTIAL)

    def _hidden(self, array: RawArray, fill: np.ndarray) -> np.ndarray:
        """What of a tile is masked, with as many axes as the mask of the whole has."""
        hidden = np.zeros(fill.shape[:2], bool) if array.masked is None else array.masked
        if self.masked.ndim == hidden.ndim:
            return hidden
        hidden = np.broadcast_to(hidden[..., None] if hidden.ndim == 2 else hidden, fill.shape)
        return hidden if self.keeps_nodata else hidden | fill


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
        SceneError: A tile has no place, another reference system, cell size, number of bands or
            scale, or lies off the others' grid lines; or the whole is larger than the limit.
    """
    placed = _placed(tiles, [_described(tiles, path, read) for path in tiles.paths], tolerance)
    top, left = min(tile.row for tile in placed), min(tile.column for tile in placed)
    bottom = max(tile.row + tile.shape[0] for tile in placed)
    right = max(tile.column + tile.shape[1] for tile in placed)
    whole = _Whole.of(placed, (bottom - top, right - left))
    for tile in placed:
        array = _settled(tiles, tile.path, read(tile.path))
        fill = is_nodata(array.values, nodata_table(array, nodata, array.values.shape[2]))
        whole.put(array, fill, tile.row - top, tile.column - left)
    _tell(tiles, whole)
    first = placed[0].said
    array = replace(
        first,
        values=whole.values,
        masked=whole.masked if whole.masked.any() else None,
        nodata=first.nodata if whole.keeps_nodata else ((),),
        transform=_moved(first, top, left),
        palette=_palette(placed),
    )
    names_of = tiles.source.file  # one name stands for all tiles, as one array does
    changes: dict[str, Any] = {"file": (names_of[0] + " + ..." * (len(names_of) > 1),)}
    if tiles.source.mask == "none" and array.masked is not None:
        changes["mask"] = "stored"  # it hides what lies in no tile; masks of files are dropped
    source = tiles.source.model_copy(update=changes)
    return replace(tiles, source=source, arrays=(array,), paths=tiles.paths[:1], tiles=tiles.paths)


def _settled(tiles: FoundArray[SourceT], path: Path, array: RawArray) -> RawArray:
    """A tile with its axes in order (y, x, band), its masks as far as they count."""
    source = tiles.source.model_copy(update={"file": (path.name,)})
    tile = FoundArray(tiles.scene, tiles.item, source, (array,), (path,))
    return without_masks_of_files(settle_axes(tiles.scene, [tile], None)[1][0]).arrays[0]


def _described(tiles: FoundArray[SourceT], path: Path, read: Callable[[Path], RawArray]) -> _Tile:
    array = _settled(tiles, path, read(path))
    nothing = np.broadcast_to(np.zeros((), array.values.dtype), array.values.shape)
    by_band = array.masked is not None and array.masked.ndim == array.values.ndim
    return _Tile(path, replace(array, values=nothing, masked=None), by_band)


def _placed(found: FoundArray[SourceT], tiles: Sequence[_Tile], tolerance: float) -> list[_Tile]:
    """The tiles with their places beside the first."""
    first = tiles[0]
    placed = []
    for tile in tiles:
        if tile.said.transform is None:
            raise SceneError(
                f"{found.about}: {tile.path.name} has no place, so that it cannot be put beside "
                "the other tiles; give it its place, or say `mosaic: false` where the files are "
                "bands"
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


def _check_alike(found: FoundArray[SourceT], first: _Tile, tile: _Tile) -> None:
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
                "reproject one (gdalwarp), or make it a scene of its own"
            )
    for name in _ALIKE:
        if name in ("scale", "offset") and found.source.scale != "stored":
            continue
        if getattr(one, name) != getattr(other, name):
            raise SceneError(
                f"{found.about}: {tile.path.name} declares another {name.replace('_', ' ')} "
                f"({_words(getattr(other, name))}) than {first.path.name} "
                f"({_words(getattr(one, name))}); write the tiles alike"
            )


def _words(value: object) -> str:
    if isinstance(value, tuple | frozenset):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


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


def _palette(tiles: Sequence[_Tile]) -> dict[int, tuple[int, int, int]] | None:
    """The colours of all tiles' values; the first tile's count where they differ."""
    palettes = [tile.said.palette for tile in tiles if tile.said.palette]
    return {value: colour for one in reversed(palettes) for value, colour in one.items()} or None


def _tell(found: FoundArray[SourceT], whole: _Whole) -> None:
    gaps = float((whole.state == _EMPTY).mean())
    log.info(
        "%s: %d tiles joined to %d x %d pixels%s",
        found.about,
        len(found.paths),
        *whole.state.shape,
        f", {100 * gaps:.2g} % of them in no tile" if gaps else "",
    )
    if whole.differing:
        log.warning(
            "%s: %d pixels lie in several tiles that hold other values there; the first tile in "
            "order counts",
            found.about,
            whole.differing,
        )
