"""Polygons and points on a scene's pixel grid.

A polygon contains a pixel if it contains the pixel's centre. A point lies in the pixel around it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.scenes.ingest.reference_systems import are_one, horizontal

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS

_POLYGONS, _POINTS = ("Polygon", "MultiPolygon"), ("Point", "MultiPoint")


@dataclass
class Burned:
    """Features on a grid.

    Attributes:
        owners: (H, W) int32, the number of the feature that a pixel lies in, from 1; 0 in none.
        overlaps: (n, 2) pairs of features of one class that share pixels.
        conflicts: (H, W) bool, pixels of features of different classes.
        mixed: (class, other class) -> pixels that both claim.
        bare: Polygons on the grid that hold no pixel's centre.
    """

    owners: np.ndarray
    conflicts: np.ndarray
    overlaps: list[np.ndarray] = field(default_factory=list)
    mixed: Counter[tuple[int, int]] = field(default_factory=Counter)
    bare: int = 0


def on_grid(
    shapes: np.ndarray,
    crs: CRS,
    grid: tuple[CRS, Affine, tuple[int, int]],
) -> np.ndarray:
    """Geometries with their corners in pixels: x to the right, y downwards, from the grid's corner.

    Edges stay straight lines between the corners, as other programs draw them.

    Args:
        shapes: (n,) geometries.
        crs: Their coordinate reference system.
        grid: System, transform, rows and columns of the scene.
    """
    import pyproj
    import shapely

    target, transform, size = grid
    change = None
    if not are_one(target, horizontal(crs), transform, size):
        source, there = (pyproj.CRS.from_wkt(one.to_wkt()) for one in (horizontal(crs), target))
        change = pyproj.Transformer.from_crs(source, there, always_xy=True).transform
    inverse = ~transform

    def pixels(places: np.ndarray) -> np.ndarray:
        x, y = places.T if change is None else change(*places.T)
        columns = inverse.a * x + inverse.b * y + inverse.c
        return np.stack([columns, inverse.d * x + inverse.e * y + inverse.f], axis=1)

    with np.errstate(invalid="ignore"):  # places that the system cannot show are infinite
        placed: np.ndarray = shapely.transform(shapes, pixels)
    return placed


def are_outside(shapes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(n,) bool: geometries in pixels that do not touch a grid of `size` rows and columns."""
    import shapely

    left, top, right, bottom = shapely.bounds(shapes).T
    with np.errstate(invalid="ignore"):
        inside = (left < size[1]) & (right >= 0) & (top < size[0]) & (bottom >= 0)
    return ~(inside & np.isfinite(left + top + right + bottom))


def burn(shapes: np.ndarray, classes: np.ndarray, size: tuple[int, int]) -> Burned:
    """Burns geometries into a grid; of those of one class that overlap the last owns the pixel.

    Args:
        shapes: (n,) polygons and points in pixels (`on_grid`).
        classes: (n,) the class id of each.
        size: Rows and columns.
    """
    burned = Burned(np.zeros(size, np.int32), np.zeros(size, bool))
    for number, shape in enumerate(shapes.tolist(), start=1):
        window, mask = _points(shape, size) if shape.geom_type in _POINTS else _mask(shape, size)
        if not mask.any():
            burned.bare += 1
            continue
        owners = burned.owners[window]
        there = owners[mask]
        if len(others := np.unique(there[there > 0])):
            alike = classes[others - 1] == classes[number - 1]
            burned.overlaps.append(np.stack([others[alike], np.full(alike.sum(), number)], axis=1))
            if not alike.all():
                differ = mask & np.isin(owners, others[~alike])
                burned.conflicts[window] |= differ
                for other, pixels in Counter(owners[differ].tolist()).items():
                    first, second = sorted((int(classes[other - 1]), int(classes[number - 1])))
                    burned.mixed[first, second] += pixels
        owners[mask] = number
    return burned


def _points(shape: Any, size: tuple[int, int]) -> tuple[tuple[slice, slice], np.ndarray]:
    """The window around the pixels that hold points, and these pixels."""
    import shapely

    columns, rows = np.floor(shapely.get_coordinates(shape)).T
    inside = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
    if not inside.any():
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool)
    y, x = rows[inside].astype(np.int64), columns[inside].astype(np.int64)
    window = slice(y.min(), y.max() + 1), slice(x.min(), x.max() + 1)
    mask = np.zeros((y.max() + 1 - y.min(), x.max() + 1 - x.min()), bool)
    mask[y - y.min(), x - x.min()] = True
    return window, mask


def _mask(shape: Any, size: tuple[int, int]) -> tuple[tuple[slice, slice], np.ndarray]:
    """The window around a polygon, and its pixels whose centres lie inside."""
    from affine import Affine
    from rasterio.features import rasterize

    left, top, right, bottom = shape.bounds
    rows = slice(max(0, math.floor(top)), min(size[0], math.ceil(bottom)))
    columns = slice(max(0, math.floor(left)), min(size[1], math.ceil(right)))
    inside = (rows.stop - rows.start, columns.stop - columns.start)
    if min(inside) < 1:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool)
    corner = Affine.translation(columns.start, rows.start)
    mask = rasterize([(shape, 1)], inside, transform=corner, dtype=np.uint8)
    return (rows, columns), mask != 0
