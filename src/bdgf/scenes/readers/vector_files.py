"""Polygons and points of GeoPackages, shapefiles and GeoJSON, through pyogrio.

pyogrio brings a GDAL of its own, beside that of rasterio. It is imported where a file is read, so
that a process of its own can first leave out what is not needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.damage import reading_errors
from bdgf.scenes.readers.point_table import read_point_table
from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.reading_limits import check_declared
from bdgf.scenes.readers.vector_drivers import check_vector_file
from bdgf.scenes.readers.vectors import ClassValue, VectorQuery, Vectors

if TYPE_CHECKING:
    import numpy as np


def read_vectors(path: Path, query: VectorQuery) -> Vectors:
    """Reads the polygons or points of a file.

    Args:
        path: The file; its suffix chooses the reader.
        query: Which of them, and where their classes are.

    Raises:
        VariableError: The file does not hold the layer, the field or the column.
        SceneError: The file is damaged, or it is not what its name says.
    """
    with reading_errors(path):
        check_declared(path, "its size", (path.stat().st_size,), 1)
        if query.columns is not None:
            return read_point_table(path, query.columns)
        return _read_file(path, query)


def _read_file(path: Path, query: VectorQuery) -> Vectors:
    check_vector_file(path)
    import pyogrio
    import pyogrio.raw

    place = path.absolute()  # a relative one may look like an address
    layer = _layer(path, query.layer, [str(name) for name, _ in pyogrio.list_layers(place)])
    fields = [str(name) for name in pyogrio.read_info(place, layer=layer)["fields"]]
    wanted = [_field(path, query.class_field, fields)] if query.with_classes else []
    meta, _, shapes, values = pyogrio.raw.read(place, layer=layer, columns=wanted, force_2d=True)
    if shapes is None:
        raise VariableError(f"{path}: '{layer}' is a table without polygons or points")
    classes = _classes(path, wanted[0], values[0]) if wanted else [None] * len(shapes)
    return Vectors(tuple(shape or b"" for shape in shapes), tuple(classes), meta["crs"] or None)


def _layer(path: Path, wanted: str | None, layers: Sequence[str]) -> str:
    listed = ", ".join(layers)
    if wanted is None and len(layers) == 1:
        return layers[0]
    if not layers:
        raise VariableError(f"{path} holds no layer of polygons or points; write it again")
    if wanted is None:
        raise VariableError(f"{path} holds several layers ({listed}); choose one with `layer:`")
    if wanted not in layers:
        raise VariableError(f"{path} has no layer '{wanted}', it holds: {listed}")
    return wanted


def _field(path: Path, wanted: str | None, fields: Sequence[str]) -> str:
    listed = ", ".join(fields)
    if not fields:
        raise VariableError(
            f"{path} has no fields, so that nothing tells the classes; add a field to it, or "
            "set `form: mask` where it only chooses pixels"
        )
    if wanted is None and len(fields) == 1:
        return fields[0]
    if wanted is None:
        raise VariableError(f"{path} has several fields ({listed}); set `class_field:`")
    if wanted not in fields:
        raise VariableError(f"{path} has no field '{wanted}', it has: {listed}")
    return wanted


def _classes(path: Path, field: str, values: np.ndarray) -> list[ClassValue]:
    """Names without spaces around them, numbers, or None."""
    if values.dtype.kind not in "biufO":
        raise VariableError(
            f"{path}: the field '{field}' holds neither names nor numbers; choose another"
        )
    return [_class(path, field, value) for value in values.tolist()]


def _class(path: Path, field: str, value: Any) -> ClassValue:
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool | int | float):
        return None if math.isnan(value) else float(value)
    raise SceneError(
        f"{path}: the field '{field}' holds lists or bytes, neither names nor numbers; choose "
        "another"
    )
