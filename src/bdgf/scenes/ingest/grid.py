"""One pixel grid for all arrays of a scene: coordinate reference systems and transforms."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.reference_systems import are_one, horizontal, names
from bdgf.scenes.readers.raw_array import RawArray

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PixelGrid:
    """A grid of cells.

    Attributes:
        shape: Rows and columns.
        crs: Coordinate reference system, its horizontal part; None where it is not known.
        transform: From (column, row) to coordinates; None without a place.
    """

    shape: tuple[int, int]
    crs: CRS | None = None
    transform: Affine | None = None


_MIRRORED = (
    (-1, 1, "turned upside down"),
    (1, -1, "turned left to right"),
    (-1, -1, "turned by half a turn"),
)


def turned_alike(
    scene: str, found: Sequence[FoundArray[Any]], shape: tuple[int, int], tolerance: float
) -> list[FoundArray[Any]]:
    """Turns arrays that lie mirrored on the same grid as the first with the north up lies.

    Many NetCDF files begin in the south, where GeoTIFFs begin in the north. Where none has the
    north up, the first placed one counts.

    Args:
        scene: The scene's name, for messages.
        found: The arrays, axes (y, x, band).
        shape: Rows and columns.
        tolerance: How far the grids' corners may lie apart, in pixels.
    """
    placed = [
        (item.where if len(item.arrays) == 1 else item.source.file[i], array.transform)
        for item in found
        for i, array in enumerate(item.arrays)
        if array.transform is not None
    ]
    if not placed:
        return list(found)
    # One with the north up, if any has it: files without a place most likely lie so too.
    where, reference = next((p for p in placed if _is_north_up(p[1])), placed[0])
    turned, unplaced, any_turned = [], [], False
    for item in found:
        arrays = []
        for array in item.arrays:
            arrays.append(_turned(array, reference, where, shape, tolerance))
            any_turned |= arrays[-1] is not array
            if array.transform is None:
                unplaced.append(item.where)
        turned.append(replace(item, arrays=tuple(arrays)))
    if any_turned and unplaced:
        log.warning(
            "%s: files are mirrored relative to each other, and %s %s no georeference: their rows "
            "and columns are assumed to run as in %s",
            scene,
            ", ".join(dict.fromkeys(unplaced)),
            "has" if len(set(unplaced)) == 1 else "have",
            where,
        )
    return turned


def _turned(
    array: RawArray, reference: Affine, where: str, shape: tuple[int, int], tolerance: float
) -> RawArray:
    """The array as it is, or mirrored so that its grid is the reference's."""
    if array.transform is None or _pixels_apart(reference, array.transform, shape) <= tolerance:
        return array
    for down, right, said in _MIRRORED:
        transform = array.transform @ _mirror(down, right, shape)
        if _pixels_apart(reference, transform, shape) <= tolerance:
            return replace(
                array,
                values=array.values[::down, ::right],
                masked=None if array.masked is None else array.masked[::down, ::right],
                transform=transform,
                notes=(*array.notes, f"{said}, as {where} lies"),
            )
    return array


def apart_when_turned(one: PixelGrid, other: PixelGrid) -> float:
    """How far two grids of one shape lie apart at most, in pixels, mirrored or not."""
    if one.transform is None or other.transform is None:
        return np.inf
    turns = ((1, 1), *((down, right) for down, right, _ in _MIRRORED))
    return min(
        _pixels_apart(one.transform, other.transform @ _mirror(*turn, other.shape), other.shape)
        for turn in turns
    )


def _mirror(down: int, right: int, shape: tuple[int, int]) -> Affine:
    """From (column, row) of a mirrored image to those of the image; -1 is mirrored."""
    from affine import Affine

    return Affine(right, 0, shape[1] * (right < 0), 0, down, shape[0] * (down < 0))


def turned_to(
    item: FoundArray[Any], grid: PixelGrid, where: str, tolerance: float
) -> FoundArray[Any]:
    """The arrays of an item mirrored as a grid of their shape lies, named `where`."""
    if grid.transform is None:
        return item
    arrays = (_turned(a, grid.transform, where, grid.shape, tolerance) for a in item.arrays)
    return replace(item, arrays=tuple(arrays))


def _is_north_up(transform: Affine) -> bool:
    return transform.a > 0 > transform.e


def common_georeference(
    scene: str, found: Sequence[FoundArray[Any]], shape: tuple[int, int], tolerance: float
) -> tuple[CRS | None, Affine | None]:
    """The one coordinate reference system and transform of those arrays that have them.

    Args:
        scene: The scene's name, for messages.
        found: The arrays; the first with a transform gives the scene's.
        shape: Rows and columns.
        tolerance: How far the grids' corners may lie apart, in pixels.

    Raises:
        SceneError: Two arrays lie on really different grids; names both.
    """
    crs = _common_crs(scene, found, shape)
    transform: tuple[FoundArray[Any], Affine] | None = None
    for item in found:
        for array in item.arrays:
            if array.transform is not None:
                transform = transform or (item, array.transform)
                apart = _pixels_apart(transform[1], array.transform, shape)
                if apart > tolerance:
                    raise SceneError(
                        f"{scene}: the grids of {transform[0].where} and {item.where} lie up to "
                        f"{apart:.3g} pixels apart; {_way_out(transform[0], item)}"
                    )
    return crs, (transform and transform[1])


def _way_out(one: FoundArray[Any], other: FoundArray[Any]) -> str:
    """The settings that bring two arrays to one grid."""
    keys = dict.fromkeys(item.key for item in (one, other))
    if len(keys) == 1:
        return "the files of one image lie on one grid: make them modalities of their own"
    return f"resample one onto the other's grid: set `{'.resample` or `'.join(keys)}.resample`"


def _common_crs(scene: str, found: Sequence[FoundArray[Any]], shape: tuple[int, int]) -> CRS | None:
    """The first system that a file names, else one that is assumed."""
    arrays = [(item, array) for item in found for array in item.arrays]
    first: tuple[FoundArray[Any], CRS] | None = None
    for item, array in sorted(arrays, key=lambda pair: pair[1].crs_is_assumed):
        if array.crs is None:
            continue
        here = horizontal(array.crs)
        first = first or (item, here)
        if array.crs_is_assumed and first[1].is_geographic:
            continue  # degrees of whatever system
        if not are_one(here, first[1], array.transform, shape):
            one, other = names(first[1], here)
            raise SceneError(
                f"{scene}: {first[0].where} is in {one} but {item.where} in {other}; "
                f"{_way_out(first[0], item)}"
            )
    return first and first[1]


def _pixels_apart(one: Affine, other: Affine, shape: tuple[int, int]) -> float:
    """The greatest distance of the two grids' corners, in pixels of the first."""
    matrices = [np.reshape(transform, (3, 3)) for transform in (one, other)]
    between = np.linalg.solve(*matrices)  # pixel of the other -> pixel of the first
    rows, columns = shape
    corners = np.array([[0, columns, 0, columns], [0, 0, rows, rows], [1, 1, 1, 1]])  # (xy1, 4)
    return float(np.hypot(*(between @ corners - corners)[:2]).max())
