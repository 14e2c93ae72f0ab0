"""The georeference of a NetCDF variable, taken from its coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bdgf.scenes.readers.attribute_values import Remarks, plain_name, text
from bdgf.scenes.readers.axis_names import degrees, is_degree_name
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
_MOST = 1e5  # pixels that an index may count to; eastings and northings are greater
_COUNTED = "its coordinates only count the pixels and are no places"
_MIRRORED = (
    (-1, 1, "turned upside down"),
    (1, -1, "turned left to right"),
    (-1, -1, "turned by half a turn"),
)
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
    shape = (variable.shape[axes[Y]], variable.shape[axes[X]])
    dims = (str(variable.dims[axes[Y]]), str(variable.dims[axes[X]]))
    rows = find_coordinate(groups, group, dims[0], shape[0], remarks)
    columns = find_coordinate(groups, group, dims[1], shape[1], remarks)
    if rows is None or columns is None:
        if attribute is None:
            _doubt_2d(groups, dims, shape, remarks)
        return crs, attribute
    if _counts(*rows) and _counts(*columns):
        remarks.notes.append(_COUNTED)
        return crs, attribute
    if crs is None and attribute is None and _index(*rows) and _index(*columns):
        remarks.notes.append(_COUNTED)
        return None, None
    crs = crs or degrees_crs(rows, columns, remarks)
    down, right = (
        _in_units_of(crs, _line(*coordinate, remarks), coordinate[1], remarks)
        for coordinate in (rows, columns)
    )
    right = _west(crs, right, shape[1], remarks)
    if down is None or right is None:
        return crs, None
    placed = _placed(down, right, attribute, remarks)
    if placed is None or attribute is None:
        return crs, placed
    # Rounding moves each centre by the blur at most, the ends of the fitted line by twice that.
    blur = 2 * max(down.blur / abs(placed.e), right.blur / abs(placed.a))
    return crs, _compared(placed, attribute, shape, blur, remarks)


def find_coordinate(
    groups: Groups, group: str, dimension: str, size: int, remarks: Remarks | None = None
) -> tuple[str, xr.Variable] | None:
    """Name and variable of a dimension's 1-D coordinate of numbers, the nearest one.

    It goes by the dimension's name, or CF's attributes say that it is a place. Where only groups
    beside have one, and different ones, none is taken.
    """
    along = [c for c in groups.along(group, dimension, size) if c[1].dtype.kind in "biuf"]
    named = [c for c in along if c[0].rpartition("/")[2] == dimension]
    own = named[0] if named else None
    if own is not None and groups.visible(group, dimension) is not own[1]:
        others = [name for name, other in named[1:] if not other.equals(own[1])]
        if others:
            if remarks is not None:
                remarks.doubts.append(f"its place may be that of {own[0]} or of {others[0]}")
            return None
    if own is not None and not _counts(*own):
        return own
    for name, variable in along:
        axis = text(variable.attrs.get("axis")).upper()
        standard = text(variable.attrs.get("standard_name"))
        places = ("projection_", "latitude", "longitude", "grid_l")
        units = text(variable.attrs.get("units"))
        if axis in ("X", "Y") or standard.startswith(places) or degrees(units):
            return name, variable
    return own


def _counts(name: str, variable: xr.Variable) -> bool:
    """Whether a coordinate only counts the pixels, from 0 or 1."""
    values = decoded(name, variable)
    if {"units", "standard_name"} & set(variable.attrs) or values[0] not in (0, 1):
        return False
    return np.array_equal(values, np.arange(len(values)) + values[0])


def _index(name: str, variable: xr.Variable) -> bool:
    """Whether a coordinate of a file without a system may be an index, as of a part cut out.

    rioxarray counts the pixels' centres of an image without a place: 0.5, 1.5, ...
    """
    if {"units", "standard_name"} & set(variable.attrs) or is_degree_name(name):
        return False
    values = decoded(name, variable).astype(np.float64)
    whole = values[0] % 1 in (0, 0.5) and values[0] >= 0 and values[-1] < _MOST
    return bool(whole) and np.array_equal(values, np.arange(len(values)) + values[0])


def _west(crs: CRS | None, line: Line | None, count: int, remarks: Remarks) -> Line | None:
    """Longitudes from 180 to 360 as those of the west, as other formats write them."""
    if line is None or crs is None or not crs.is_geographic:
        return line
    step = line.step or 0.0
    if min(line.first, line.first + step * (count - 1)) - abs(step) / 2 < 180 - 1e-6 * abs(step):
        return line
    remarks.notes.append("its longitudes above 180 degrees are taken as those of the west")
    return replace(line, first=line.first - 360)


def _line(name: str, variable: xr.Variable, remarks: Remarks) -> Line | None:
    """Evenly spaced coordinates; None, and a doubt, if they are not."""
    values = decoded(name, variable)
    kind = variable.dtype
    centres = values.astype(np.float64)
    if not np.all(np.isfinite(centres)):
        remarks.doubts.append(f"its coordinate {name} has gaps, so that it has no place on a map")
        return None
    count = len(centres)
    # Single precision rounds coordinates: northings to half a metre, longitudes to about a metre.
    # Each centre is off by half of that at most, and so is the line through them: together they
    # stay within one rounding step. Copies in double precision keep that rounding.
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
    crs: CRS | None, line: Line | None, variable: xr.Variable, remarks: Remarks
) -> Line | None:
    """The line in the units of a projected system; None where its units are no lengths."""
    units = text(variable.attrs.get("units")).lower()
    if line is None or crs is None or not crs.is_projected:
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


def _placed(rows: Line, columns: Line, attribute: Affine | None, remarks: Remarks) -> Affine | None:
    """The transform of the coordinates; the attribute gives the size of a single pixel."""
    from affine import Affine

    down = rows.step if rows.step is not None or attribute is None else attribute.e
    right = columns.step if columns.step is not None or attribute is None else attribute.a
    if down and right:
        return Affine(right, 0, columns.first - right / 2, 0, down, rows.first - down / 2)
    remarks.doubts.append(
        "its one row or column does not say how large a pixel is, so that it has no place on a map"
    )
    return None


def _compared(
    placed: Affine, attribute: Affine, shape: tuple[int, int], blur: float, remarks: Remarks
) -> Affine:
    """The coordinates' transform, or the attribute where it only is the more exact one."""
    from affine import Affine

    if _pixels_apart(placed, attribute, shape) <= _SAME + blur:
        return attribute if blur else placed  # the attribute is not in single precision
    # GDAL stores the south first and writes the transform of the image as it shows it; xarray
    # keeps the transform of an image that it turns.
    for down, right, said in _MIRRORED:
        mirror = Affine(right, 0, shape[1] * (right < 0), 0, down, shape[0] * (down < 0))
        if _pixels_apart(placed @ mirror, attribute, shape) <= _SAME + blur:
            remarks.notes.append(
                f"its GeoTransform attribute is that of the image {said}; the coordinates count"
            )
            return placed
    remarks.doubts.append(
        "its GeoTransform attribute contradicts its coordinates; the coordinates count"
    )
    return placed


def _pixels_apart(one: Affine, other: Affine, shape: tuple[int, int]) -> float:
    """The greatest distance of two grids' corners, in pixels of the first."""
    corners = np.array([[0, shape[1], 0, shape[1]], [0, 0, *shape[:1] * 2], [1] * 4])  # (xy1, 4)
    between = np.linalg.solve(np.reshape(one, (3, 3)), np.reshape(other, (3, 3)))
    return float(np.hypot(*(between @ corners - corners)[:2]).max())


def _doubt_2d(
    groups: Groups, dims: tuple[str, str], shape: tuple[int, int], remarks: Remarks
) -> None:
    """A doubt where the pixels' places are known, but on no grid."""
    names = ("lat", "latitude", "lon", "longitude", "navlat", "navlon", "y", "x")
    found = [
        path for path in groups.over(*dims, shape) if plain_name(path.rpartition("/")[2]) in names
    ]
    if found:
        remarks.doubts.append(
            f"its places are given pixel by pixel ({', '.join(found)}), so that it has no place "
            "on a map; warp it onto a grid first"
        )
