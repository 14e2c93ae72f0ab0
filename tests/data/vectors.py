"""Small files of polygons and points, on the grid of the small scene."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyogrio.raw
import shapely

from tests.data.small_scene import PLACE

_DRIVERS = {".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".geojson": "GeoJSON"}


def placed(shape, crs: str = PLACE["crs"]):
    """A geometry in pixels (x, y from the grid's corner) in coordinates of a system."""
    import pyproj

    a, _, c, _, e, f = PLACE["transform"]
    there = shapely.transform(shape, lambda xy: xy * [a, e] + [c, f])
    if crs == PLACE["crs"]:
        return there
    change = pyproj.Transformer.from_crs(PLACE["crs"], crs, always_xy=True).transform
    return shapely.transform(there, lambda xy: np.stack(change(*xy.T), axis=1))


def write_vectors(
    path: Path,
    shapes: Sequence,
    classes: Sequence | None,
    crs: str | None = PLACE["crs"],
    field: str = "crop",
    layer: str | None = None,
    append: bool = False,
) -> Path:
    """Writes geometries (in coordinates, None for none) with one field of names or numbers."""
    values = [] if classes is None else [np.array(classes, object if _is_text(classes) else None)]
    kinds = {shape.geom_type for shape in shapes if shape is not None}
    pyogrio.raw.write(
        path,
        np.array([None if s is None else shapely.to_wkb(s) for s in shapes], object),
        values,
        [] if classes is None else [field],
        geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
        driver=_DRIVERS[path.suffix],
        crs=crs,
        layer=layer,
        append=append,
    )
    return path


def _is_text(classes: Sequence) -> bool:
    return any(isinstance(value, str) or value is None for value in classes)


def write_geojson(path: Path, features: Sequence[tuple[dict | None, dict]]) -> Path:
    """Writes GeoJSON by hand: geometries and properties."""
    listed = [{"type": "Feature", "geometry": g, "properties": p} for g, p in features]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}))
    return path
