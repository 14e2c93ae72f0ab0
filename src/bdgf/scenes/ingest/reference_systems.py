"""Whether two coordinate reference systems are equal, however files write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyproj
    from affine import Affine
    from rasterio.crs import CRS

_APART = 0.01  # pixels; rounded parameters of one system move a place by less
_RADIUS, _FLATTENING = 1e-2, 1e-3  # m and without unit: rounding of an ellipsoid's numbers


def horizontal(crs: CRS) -> CRS:
    """The part that places pixels: without a height's system, and without a shift to WGS 84."""
    import rasterio.crs

    whole = _parsed(crs)
    if whole is None:  # an engineering or local system, as it is
        return crs
    flat = whole
    while flat.is_bound or flat.is_compound:
        inner = flat.source_crs if flat.is_bound else flat.sub_crs_list[0]
        if inner is None:
            break
        flat = inner
    if flat is whole and len(whole.axis_info) <= 2:
        return crs
    return rasterio.crs.CRS.from_wkt(flat.to_2d().to_wkt())


def are_one(one: CRS, other: CRS, transform: Affine | None, shape: tuple[int, int]) -> bool:
    """Whether two horizontal systems are one.

    Files name one system by its code, ESRI's words, a proj string or its parameters alone. Where
    one has no code, both must have the same ellipsoid and put the grid's corners at one place.

    Args:
        one: A system.
        other: Another.
        transform: From (column, row) to coordinates of `one`, where it is known.
        shape: Rows and columns of the grid.
    """
    if one == other:
        return True
    codes = one.to_epsg(), other.to_epsg()
    if None not in codes:
        return codes[0] == codes[1]
    first, second = _parsed(one), _parsed(other)
    if first is None or second is None:
        return False
    if first.equals(second, ignore_axis_order=True):
        return True
    return _same_ellipsoid(first, second) and _same_places(first, second, transform, shape)


def leads_to(one: CRS, other: CRS) -> bool:
    """Whether coordinates of one horizontal system can be told in another."""
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    first, second = _parsed(one), _parsed(other)
    if one == other or first is None or second is None:
        return one == other
    try:
        Transformer.from_crs(first, second)
    except ProjError:
        return False
    return True


def names(one: CRS, other: CRS) -> tuple[str, str]:
    """Two different systems for a message: their codes or names, their terms if these are alike."""
    found = name_of(one), name_of(other)
    return found if found[0] != found[1] else (one.to_string(), other.to_string())


def name_of(crs: CRS) -> str:
    """A system for a message: its code, or the name that it gives itself."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt()).split('"')[1]


def _parsed(crs: CRS) -> pyproj.CRS | None:
    import pyproj
    from pyproj.exceptions import CRSError

    try:
        return pyproj.CRS.from_wkt(crs.to_wkt())
    except CRSError:
        return None


def _same_ellipsoid(one: pyproj.CRS, other: pyproj.CRS) -> bool:
    a, b = one.ellipsoid, other.ellipsoid
    if a is None or b is None or one.prime_meridian != other.prime_meridian:
        return False
    return (
        abs(a.semi_major_metre - b.semi_major_metre) < _RADIUS
        and abs(a.inverse_flattening - b.inverse_flattening) < _FLATTENING
    )


def _same_places(
    one: pyproj.CRS, other: pyproj.CRS, transform: Affine | None, shape: tuple[int, int]
) -> bool:
    """Whether coordinates of the grid's corners are the same numbers in both systems."""
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    if transform is None or one.is_geographic != other.is_geographic:
        return False
    rows, columns = shape
    corners = [transform @ (c, r) for c in (0, columns) for r in (0, rows)]
    x, y = np.array(corners).T
    try:
        there = Transformer.from_crs(one, other, always_xy=True).transform(x, y, errcheck=True)
    except ProjError:
        return False
    pixel = float(np.hypot(transform.a, transform.d))
    return bool(np.all(np.hypot(there[0] - x, there[1] - y) <= _APART * pixel))
