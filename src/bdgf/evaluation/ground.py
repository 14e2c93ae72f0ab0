"""Sizes on the ground: pixels, scale bars, areas of classes.

Lengths and areas are measured on the ellipsoid, so that maps in degrees or in Web Mercator are
as accurate as maps in metres.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from affine import Affine
    from pyproj import Geod, Transformer
    from rasterio.crs import CRS

SQUARE_METRES_PER_HECTARE = 10_000.0
_LATTICE = 16
"""Blocks along a side whose area is measured; within one, all pixels are as large."""
_BAR_SHARE = 0.25  # of the map's width that a scale bar takes at most
_NICE = (5, 2, 1)


def metres_per_pixel(
    shape: tuple[int, int], crs: CRS | None, transform: Affine | None
) -> tuple[float, float] | None:
    """Width and height of the pixel in the middle of a map.

    Args:
        shape: (H, W).
        crs: Coordinate reference system, if it is known.
        transform: Affine map from (column, row) to coordinates, if it is known.

    Returns:
        Metres across and down; None where the place on the Earth is not known.
    """
    if crs is None or transform is None:
        return None
    row, column = shape[0] / 2, shape[1] / 2
    corners = [(column, row), (column + 1, row), (column, row + 1)]
    (x, y), across, down = (transform @ corner for corner in corners)
    if (way := _to_degrees(crs)) is None:
        factor = _linear_factor(crs)
        if factor is None:
            return None
        return factor * math.dist((x, y), across), factor * math.dist((x, y), down)
    to_degrees, geod = way
    start, east, south = (to_degrees.transform(*point) for point in ((x, y), across, down))
    lengths = tuple(abs(geod.inv(*start, *end)[2]) for end in (east, south))
    return (lengths[0], lengths[1]) if np.isfinite(lengths).all() and all(lengths) else None


def class_areas(
    class_map: np.ndarray, classes: int, crs: CRS | None, transform: Affine | None
) -> np.ndarray | None:
    """The area of each class.

    Args:
        class_map: (H, W) class ids 1..K, 0 = none.
        classes: K.
        crs: Coordinate reference system, if it is known.
        transform: Affine map from (column, row) to coordinates, if it is known.

    Returns:
        (K,) hectares; None where the place on the Earth is not known.
    """
    if crs is None or transform is None:
        return None
    height, width = class_map.shape
    way, factor = _to_degrees(crs), _linear_factor(crs)
    if way is None and factor is None:
        return None
    total = np.zeros(classes)
    for rows in _cuts(height):
        for columns in _cuts(width):
            counts = np.bincount(class_map[rows, columns].ravel(), minlength=classes + 1)
            pixel = _pixel_area(rows, columns, transform, way, factor)
            total += pixel * counts[1 : classes + 1]
    return total / SQUARE_METRES_PER_HECTARE if np.isfinite(total).all() else None


def scale_bar_length(metres_across: float) -> float:
    """A round length (1, 2 or 5 times a power of ten) for a map's scale bar.

    Args:
        metres_across: Width of the map.

    Returns:
        Metres, at most a quarter of the width.
    """
    most = _BAR_SHARE * metres_across
    power = 10.0 ** math.floor(math.log10(most))
    return next(nice * power for nice in _NICE if nice * power <= most)


def length_text(metres: float) -> str:
    """`200 m`, `5 km`, `20 cm`."""
    if metres >= 1000:
        return f"{metres / 1000:g} km"
    return f"{metres:g} m" if metres >= 1 else f"{100 * metres:g} cm"


def _to_degrees(crs: CRS) -> tuple[Transformer, Geod] | None:
    from pyproj import CRS as PROJ_CRS
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        known = PROJ_CRS.from_wkt(crs.to_wkt())
        geographic, geod = known.geodetic_crs, known.get_geod()
        if geographic is None or geod is None:
            return None
        return Transformer.from_crs(known, geographic, always_xy=True), geod
    except ProjError:  # of a local system nobody knows where on the Earth it lies
        return None


def _linear_factor(crs: CRS) -> float | None:
    # Metres of the unit of the plane; None of degrees.
    from pyproj import CRS as PROJ_CRS
    from pyproj.exceptions import ProjError

    try:
        known = PROJ_CRS.from_wkt(crs.to_wkt())
    except ProjError:
        return None
    axes = known.axis_info
    return axes[0].unit_conversion_factor if axes and not known.is_geographic else None


def _cuts(length: int) -> list[slice]:
    edges = np.unique(np.linspace(0, length, min(_LATTICE, length) + 1).astype(int))
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def _pixel_area(
    rows: slice,
    columns: slice,
    transform: Affine,
    way: tuple[Transformer, Geod] | None,
    factor: float | None,
) -> float:
    # Square metres of a pixel of a block.
    if way is None:
        assert factor is not None
        return abs(transform.determinant) * factor**2
    to_degrees, geod = way
    ring = [
        transform @ corner
        for corner in (
            (columns.start, rows.start),
            (columns.stop, rows.start),
            (columns.stop, rows.stop),
            (columns.start, rows.stop),
        )
    ]
    easting, northing = np.transpose(ring)
    longitudes, latitudes = to_degrees.transform(easting, northing)
    area, _ = geod.polygon_area_perimeter(longitudes, latitudes)
    return abs(area) / ((rows.stop - rows.start) * (columns.stop - columns.start))
