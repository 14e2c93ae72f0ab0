"""One pixel grid for all arrays of a scene: shapes, order of axes, transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.source_files import FoundArray
from bdgf.scenes.readers.raw_array import RawArray

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS


def common_shape(
    scene: str, found: Sequence[FoundArray[Any]], published: tuple[int, int] | None
) -> tuple[int, int]:
    """Rows and columns of the scene.

    Arrays of two axes and rasters say them outright. Where there are only three-axis arrays of
    unnamed axes, the published shape decides, and without one the axes count as (rows, columns,
    bands), as is usual in MATLAB files.

    Raises:
        SceneError: Two arrays differ, named with their shapes.
    """
    certain: tuple[str, tuple[int, int]] | None = None
    for item in found:
        for array in item.arrays:
            shape = _certain_shape(item, array)
            if shape is None:
                continue
            if certain is not None and shape != certain[1]:
                raise _differ(scene, certain[0], certain[1], item.where, shape)
            certain = certain or (item.where, shape)
    if certain is None:
        first = found[0].arrays[0].values.shape
        fits = published in (first[:2], first[1:])
        certain = (found[0].where, published if fits and published else (first[0], first[1]))
    for item in found:
        for array in item.arrays:
            if not _orders(array, certain[1]):
                raise _differ(scene, *certain, item.where, array.values.shape)
    return certain[1]


def bands_last(item: FoundArray[Any], shape: tuple[int, int]) -> np.ndarray:
    """(rows, columns, bands): the item's files oriented, stacked, and its channels chosen.

    Raises:
        SceneError: A channel is asked for that is not there.
    """
    parts = [_orders(array, shape)[0] for array in item.arrays]
    values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    channels = item.source.channels
    if channels is None:
        return values
    if max(channels) >= values.shape[2]:
        raise SceneError(
            f"{item.about} has {values.shape[2]} bands, counted from 0, but `channels` asks for "
            f"{max(channels)}; correct it"
        )
    return values[..., list(channels)]


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
    crs: tuple[str, CRS] | None = None
    transform: tuple[str, Affine] | None = None
    for item in found:
        for array in item.arrays:
            if array.crs is not None:
                crs = crs or (item.where, array.crs)
                if array.crs != crs[1]:
                    raise SceneError(
                        f"{scene}: {crs[0]} is in {_name(crs[1])} but {item.where} in "
                        f"{_name(array.crs)}; reproject one onto the other's grid"
                    )
            if array.transform is not None:
                transform = transform or (item.where, array.transform)
                apart = _pixels_apart(transform[1], array.transform, shape)
                if apart > tolerance:
                    raise SceneError(
                        f"{scene}: the grids of {transform[0]} and {item.where} lie up to "
                        f"{apart:.3g} pixels apart; resample one onto the other's grid"
                    )
    return (crs and crs[1]), (transform and transform[1])


def _certain_shape(item: FoundArray[Any], array: RawArray) -> tuple[int, int] | None:
    values = array.values
    if values.ndim not in (2, 3) or 0 in values.shape:
        size = "x".join(map(str, values.shape)) or "a single number"
        raise SceneError(
            f"{item.about} is {size}, not rows x columns or rows x columns x bands; "
            "choose another variable"
        )
    if values.ndim == 3 and not array.oriented:
        return None
    return values.shape[0], values.shape[1]


def _orders(array: RawArray, shape: tuple[int, int]) -> list[np.ndarray]:
    """The values as (rows, columns, bands), in each order of axes that fits, the usual first."""
    values = array.values
    if values.ndim == 2:
        return [values[..., None]] if values.shape == shape else []
    orders = [values] if values.shape[:2] == shape else []
    if not array.oriented and values.shape[1:] == shape:
        orders.append(values.transpose(1, 2, 0))
    return orders


def _differ(
    scene: str, one: str, shape: tuple[int, ...], other: str, other_shape: tuple[int, ...]
) -> SceneError:
    sizes = ["x".join(map(str, s)) for s in (shape, other_shape)]
    return SceneError(
        f"{scene}: {one} is {sizes[0]} pixels but {other} is {sizes[1]}; all files of a scene "
        "must have the same rows and columns"
    )


def _pixels_apart(one: Affine, other: Affine, shape: tuple[int, int]) -> float:
    """The greatest distance of the two grids' corners, in pixels of the first."""
    matrices = [np.reshape(transform, (3, 3)) for transform in (one, other)]
    between = np.linalg.solve(*matrices)  # pixel of the other -> pixel of the first
    rows, columns = shape
    corners = np.array([[0, columns, 0, columns], [0, 0, rows, rows], [1, 1, 1, 1]])  # (xy1, 4)
    return float(np.hypot(*(between @ corners - corners)[:2]).max())


def _name(crs: CRS) -> str:
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt()).split('"')[1]
