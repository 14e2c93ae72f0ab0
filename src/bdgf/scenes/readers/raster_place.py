"""The georeference of a raster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS

_FIT = 0.5  # pixels by which control points may miss an affine map that stands for them


class Place(NamedTuple):
    """Coordinate reference system, map from (column, row) to coordinates, notes and doubts."""

    crs: CRS | None = None
    transform: Affine | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def place_of(source: Any) -> Place:
    """The georeference of an open raster: its transform, or one fitted to its control points."""
    crs, transform = source.crs or None, source.transform
    if crs is not None and crs.to_wkt().startswith('LOCAL_CS["Arbitrary"'):
        return Place(notes=("`map info` of the ENVI header is arbitrary, so no place",))
    if not transform.is_identity:
        return Place(crs, transform)
    points, points_crs = source.gcps
    if points:
        return _place_by_points(points, points_crs or crs)
    if source.rpcs is not None:
        return Place(crs, doubts=(_unplaced("rational polynomial coefficients (RPC)"),))
    if "GEOLOCATION" in source.tag_namespaces():
        return Place(crs, doubts=(_unplaced("geolocation arrays"),))
    return Place(crs)


def _place_by_points(points: list[Any], crs: CRS | None) -> Place:
    from rasterio.transform import from_gcps

    pixels = np.array([(point.col, point.row) for point in points], dtype=float)  # (n, 2)
    places = np.array([(point.x, point.y) for point in points], dtype=float)  # (n, 2)
    spanned = all(np.linalg.matrix_rank(a - a.mean(axis=0)) == 2 for a in (pixels, places))
    fit = from_gcps(points) if spanned else None
    if fit is None or fit.is_degenerate:
        missed = "which do not span the image"
    else:
        back = ~fit  # from coordinates to (column, row)
        x, y = places.T
        columns, rows = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
        worst = float(np.hypot(columns - pixels[:, 0], rows - pixels[:, 1]).max())
        if worst < _FIT:
            note = (
                f"placed by {len(points)} ground control points, which a straight map fits to "
                f"{worst:.2g} pixels"
            )
            return Place(crs, fit, (note,))
        missed = f"which a straight map misses by up to {worst:.3g} pixels"
    return Place(
        doubts=(_unplaced(f"{len(points)} ground control points (GCPs), {missed}"),),
    )


def _unplaced(by: str) -> str:
    return (
        f"placed by {by}: taken without a place; warp it first (gdalwarp) if the other files have "
        "one"
    )
