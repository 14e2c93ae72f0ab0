"""Where a NetCDF variable lies on Earth: its coordinates are the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bdgf.scenes.readers.attribute_values import Remarks, plain_name, text
from bdgf.scenes.readers.axis_names import degrees
from bdgf.scenes.readers.netcdf_crs import (
    degrees_crs,
    grid_mapping,
    read_crs,
    read_geotransform,
)
from bdgf.scenes.readers.netcdf_groups import Groups, decoded
from bdgf.scenes.readers.raw_array import X, Y

if TYPE_CHECKING:
    import xarray as xr
    from affine import Affine
    from rasterio.crs import CRS

_EVEN = 0.01  # how far a pixel may lie from the even grid, in pixels: digits are rounded in files
_SAME = 1e-3  # how far GeoTransform and coordinates may lie apart, in pixels
_TO_METRES = {"km": 1e3, "kilometer": 1e3, "kilometers": 1e3, "kilometre": 1e3, "kilometres": 1e3}


@dataclass(frozen=True)
class Line:
    """Evenly spaced coordinates of one axis.

    Attributes:
        first: The first pixel's centre.
        step: From one centre to the next, signed; None for a single pixel.
        blur: How far rounding may have moved a centre, in units of the coordinate.
    """

    first: float
    step: float | None
    blur: float


def find_place(
    groups: Groups,
    group: str,
    variable: xr.Variable,
    axes: dict[str, int],
    remarks: Remarks,
) -> tuple[CRS | None, Affine | None]:
    """Coordinate reference system and transform of a variable, as far as it has them.

    Args:
        groups: The whole file.
        group: The variable's group.
        variable: The variable.
        axes: Which axis is `y` and which is `x`.
        remarks: Takes notes and doubts.
    """
    mapping = grid_mapping(groups, group, variable)
    crs = None if mapping is None else read_crs(mapping, remarks)
    attribute = None if mapping is None else read_geotransform(mapping, remarks)
    found = {}
    for role in (Y, X):
        dimension, size = str(variable.dims[axes[role]]), variable.shape[axes[role]]
        found[role] = find_coordinate(groups, group, dimension, size)
    pair = (found[Y], found[X])
    if pair[0] is None or pair[1] is None or _are_counters(pair[0], pair[1]):
        if attribute is None:
            _doubt_2d(groups, variable, axes, remarks)
        return crs, attribute
    lines = [_line(*coordinate, remarks) for coordinate in (pair[0], pair[1])]
    crs = crs or degrees_crs(pair[0][1], pair[1][1], remarks)
    lines = [
        line and _in_units_of(crs, line, coordinate[1], remarks)
        for line, coordinate in zip(lines, (pair[0], pair[1]), strict=True)
    ]
    if lines[0] is None or lines[1] is None:
        return crs, None
    shape = (variable.shape[axes[Y]], variable.shape[axes[X]])
    return crs, _transform(lines[0], lines[1], attribute, shape, remarks)


def find_coordinate(
    groups: Groups, group: str, dimension: str, size: int
) -> tuple[str, xr.Variable] | None:
    """Name and variable of a dimension's 1-D coordinate of numbers, the nearest one.

    It goes by the dimension's name, or CF's attributes say that it is a place.
    """
    along = [c for c in groups.along(group, dimension, size) if c[1].dtype.kind in "biuf"]
    for name, variable in along:
        if name.rpartition("/")[2] == dimension:
            return name, variable
    for name, variable in along:
        axis = text(variable.attrs.get("axis")).upper()
        standard = text(variable.attrs.get("standard_name"))
        places = ("projection_", "latitude", "longitude", "grid_l")
        if axis in ("X", "Y") or standard.startswith(places):
            return name, variable
        if degrees(text(variable.attrs.get("units"))):
            return name, variable
    return None


def _are_counters(rows: tuple[str, xr.Variable], columns: tuple[str, xr.Variable]) -> bool:
    """Whether both coordinates only count the pixels, from 0 or 1."""
    for name, variable in (rows, columns):
        values = decoded(name, variable)
        if {"units", "standard_name"} & set(variable.attrs) or values[0] not in (0, 1):
            return False
        if not np.array_equal(values, np.arange(len(values)) + values[0]):
            return False
    return True


def _line(name: str, variable: xr.Variable, remarks: Remarks) -> Line | None:
    """Evenly spaced coordinates; None, and a doubt, if they are not."""
    values = decoded(name, variable)
    kind = variable.dtype
    centres = values.astype(np.float64)
    if not np.all(np.isfinite(centres)):
        remarks.doubts.append(f"its coordinate {name} has gaps, so that it has no place on a map")
        return None
    count = len(centres)
    # Single precision rounds coordinates: to half a metre of a northing, to a metre of a degree of
    # longitude. Each centre is off by half of that step at most, and so is the line through them;
    # together they stay within one such step. Copies in double precision keep that rounding.
    single = float(np.spacing(np.float32(np.abs(centres).max())))
    blur = single if kind.kind == "f" and kind.itemsize <= 4 else 0.0
    if count == 1:
        return Line(float(centres[0]), None, blur)
    index = np.arange(count)
    step, first = np.polyfit(index - index.mean(), centres - centres.mean(), 1)
    first = centres.mean() + first - step * index.mean()
    off = float(np.abs(centres - (first + step * index)).max())
    was_single = np.array_equal(centres.astype(np.float32).astype(np.float64), centres)
    if off > _EVEN * abs(step) and was_single and not blur:
        blur = single
    if step == 0 or blur > abs(step) / 2 or off > _EVEN * abs(step) + blur:
        remarks.doubts.append(
            f"its coordinate {name} is not evenly spaced, so that it has no place on a map; "
            "resample it onto an even grid"
        )
        return None
    if off <= 1e-6 * abs(step):  # exact: the ends say it without the sums' rounding
        first, step = float(centres[0]), float((centres[-1] - centres[0]) / (count - 1))
    return Line(float(first), float(step), blur)


def _in_units_of(
    crs: CRS | None, line: Line, variable: xr.Variable, remarks: Remarks
) -> Line | None:
    """The line in the units of a projected system; None where its units are no lengths."""
    units = text(variable.attrs.get("units")).lower()
    if crs is None or not crs.is_projected:
        return line
    if units.startswith(("rad", "micror", "degree")):
        remarks.doubts.append(f"its coordinates are in '{units}', not in those of its system, so "
                              "that it has no place on a map")  # fmt: skip
        return None
    factor = _TO_METRES.get(units, 1.0)
    if factor == 1 or not str(crs.linear_units).startswith("met"):
        return line
    remarks.notes.append(f"its coordinates in {units} are taken to metres")
    step = None if line.step is None else line.step * factor
    return Line(line.first * factor, step, line.blur * factor)


def _transform(
    rows: Line, columns: Line, attribute: Affine | None, shape: tuple[int, int], remarks: Remarks
) -> Affine | None:
    """The transform of two lines, by the attribute where the lines leave something open."""
    from affine import Affine

    steps = [
        line.step if line.step is not None or attribute is None else size
        for line, size in ((rows, attribute and attribute.e), (columns, attribute and attribute.a))
    ]
    down, right = steps
    if not down or not right:
        remarks.doubts.append(
            "its one row or column does not say how large a pixel is, so that it has no place on "
            "a map"
        )
        return None
    placed = Affine(right, 0, columns.first - right / 2, 0, down, rows.first - down / 2)
    if attribute is None:
        return placed
    apart = _pixels_apart(placed, attribute, shape)
    # Rounding moves each centre by the blur at most, the ends of the fitted line by twice that.
    blur = 2 * max(rows.blur / abs(down), columns.blur / abs(right))
    if apart > _SAME + blur:
        remarks.doubts.append(
            "its GeoTransform attribute contradicts its coordinates; the coordinates count"
        )
        return placed
    return attribute if blur else placed  # the attribute is not rounded to single precision


def _pixels_apart(one: Affine, other: Affine, shape: tuple[int, int]) -> float:
    """The greatest distance of two grids' corners, in pixels of the first."""
    corners = np.array([[0, shape[1], 0, shape[1]], [0, 0, *shape[:1] * 2], [1] * 4])  # (xy1, 4)
    between = np.linalg.solve(np.reshape(one, (3, 3)), np.reshape(other, (3, 3)))
    return float(np.hypot(*(between @ corners - corners)[:2]).max())


def _doubt_2d(
    groups: Groups, variable: xr.Variable, axes: dict[str, int], remarks: Remarks
) -> None:
    """A doubt where the pixels' places are known, but on no grid."""
    dims = [str(variable.dims[axes[role]]) for role in (Y, X)]
    shape = (variable.shape[axes[Y]], variable.shape[axes[X]])
    names = ("lat", "latitude", "lon", "longitude", "navlat", "navlon", "y", "x")
    found = [
        path
        for path in groups.over(dims[0], dims[1], shape)
        if plain_name(path.rpartition("/")[2]) in names
    ]
    if found:
        remarks.doubts.append(
            f"its places are given pixel by pixel ({', '.join(found)}), so that it has no place "
            "on a map; warp it onto a grid first"
        )
