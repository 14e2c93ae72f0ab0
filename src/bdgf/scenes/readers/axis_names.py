"""Which axes are rows and columns, by their names and by what CF says of their coordinates."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from bdgf.scenes.readers.attribute_values import Remarks, plain_name, text
from bdgf.scenes.readers.raw_array import BAND, X, Y

_ROWS = frozenset((
    "y", "yc", "yy", "ydim", "ny", "ycoord", "ycoordinate", "yindex", "lat", "latitude",
    "latitudes", "rlat", "gridlatitude", "row", "rows", "line", "lines", "northing",
    "northings", "north", "projectionycoordinate", "scan", "scans", "scanline", "scanlines",
    "downtrack", "alongtrack", "track", "swathlines", "southnorth", "azimuth", "j", "nj", "jc",
    "eta", "etarho",
))  # fmt: skip
_COLUMNS = frozenset((
    "x", "xc", "xx", "xdim", "nx", "xcoord", "xcoordinate", "xindex", "lon", "long",
    "longitude", "longitudes", "rlon", "gridlongitude", "col", "cols", "column", "columns",
    "sample", "samples", "easting", "eastings", "east", "projectionxcoordinate", "crosstrack",
    "acrosstrack", "xtrack", "pixel", "pixels", "groundpixel", "ccdpixel", "ccdpixels",
    "pixelsperline", "swathpixels", "westeast", "range", "i", "ni", "ic", "xi", "xirho",
))  # fmt: skip
# Names that say it in pairs alone: a height may also be an axis, "c" that of channels.
_PAIRS = (("height", "width"), ("h", "w"), ("r", "c"))
_BANDS = re.compile(r"(spectral)?(bands?|channels?|wavelengths?|wl)(3d|s)?")
_STANDARD = {
    **dict.fromkeys(("latitude", "grid_latitude", "projection_y_coordinate"), Y),
    **dict.fromkeys(("longitude", "grid_longitude", "projection_x_coordinate"), X),
    "projection_y_angular_coordinate": Y,
    "projection_x_angular_coordinate": X,
}
_DEGREES_NORTH = re.compile(r"degrees?_?(north|n)", re.IGNORECASE)
_DEGREES_EAST = re.compile(r"degrees?_?(east|e)", re.IGNORECASE)
_NUMBERED = re.compile(r"dim_\d+")  # by xarray, where nobody named the axes
_PHONY = re.compile(r"(phony_?dim|fakedim)_?\d*", re.IGNORECASE)


def name_axes(
    names: Sequence[str], coordinates: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...] | None:
    """One name an axis: `y`, `x`, and the file's own for others; None where y or x is not clear.

    Args:
        names: The file's own name of each axis.
        coordinates: Attributes of the coordinate of an axis, by the axis' name.
    """
    said = [_role(coordinates.get(name, {})) or _role_by_name(name) for name in names]
    for role in (Y, X):
        declared = [i for i, name in enumerate(names) if _role(coordinates.get(name, {})) == role]
        if len(declared) == 1:  # what CF says counts more than another axis' name
            said = [None if s == role and i not in declared else s for i, s in enumerate(said)]
    if not any(said):
        said = _paired(names)
    if said.count(Y) != 1 or said.count(X) != 1:
        return None
    axes = tuple(s or name for s, name in zip(said, names, strict=True))
    return axes if len(set(axes)) == len(axes) else None


def are_phony(names: Sequence[str]) -> bool:
    """Whether the file has no names of its own: a library numbered the axes, or left them empty."""
    return all(not name or _PHONY.fullmatch(name) for name in names)


def are_numbered(names: Sequence[str]) -> bool:
    """Whether xarray numbered the axes; MATLAB, which reverses axes, never names them so."""
    return all(_NUMBERED.fullmatch(name) for name in names)


def is_band(name: str) -> bool:
    """Whether an axis is called one of bands."""
    return name == BAND or _BANDS.fullmatch(_bare(name)) is not None


def degrees(units: str) -> str | None:
    """`y` for units that say degrees north, `x` for degrees east."""
    if _DEGREES_NORTH.fullmatch(units):
        return Y
    return X if _DEGREES_EAST.fullmatch(units) else None


def is_degree_name(name: str) -> bool:
    """Whether a coordinate's name is that of latitudes or longitudes."""
    return _bare(name) in ("lat", "latitude", "latitudes", "lon", "long", "longitude", "longitudes")


def single_axes(
    shape: Sequence[int], axes: Sequence[str] | None, kept: Collection[str] = (Y, X)
) -> list[int]:
    """The axes of length 1 that say nothing (such as one time) and can be dropped.

    An axis of unknown name is dropped only where there are more than three: one of three may be
    that of the bands, or of a scene of one row.
    """
    single = [i for i, size in enumerate(shape) if size == 1]
    if axes is None:
        return single[: max(len(shape) - 3, 0)]
    others = [i for i, name in enumerate(axes) if name not in kept]
    single = [i for i in others if shape[i] == 1]
    bands = [i for i in single if is_band(axes[i])]
    if bands and len(single) == len(others):
        single.remove(bands[0])
    return single


def without_single_axes(
    values: np.ndarray, axes: tuple[str, ...] | None, names: Sequence[str], remarks: Remarks
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """The values and their axes without those that `single_axes` finds, and a note about them."""
    dropped = single_axes(values.shape, axes)
    if not dropped:
        return values, axes
    listed = ", ".join(f"'{names[i]}'" if names[i] else str(i) for i in dropped)
    whole = "x".join(map(str, values.shape))
    remarks.notes.append(f"its axis {listed} of length 1 is left out of {whole}")
    kept = axes and tuple(name for i, name in enumerate(axes) if i not in dropped)
    return values.squeeze(tuple(dropped)), kept


def _role(attributes: Mapping[str, Any]) -> str | None:
    """`y` or `x` as CF says it of a coordinate: by `standard_name`, `axis` or `units`."""
    axis = text(attributes.get("axis")).lower()
    if axis in (Y, X):
        return axis
    standard = _STANDARD.get(text(attributes.get("standard_name")).lower())
    return standard or degrees(text(attributes.get("units")))


def _role_by_name(name: str) -> str | None:
    bare = _bare(name)
    for stem in (bare, re.sub(r"^(numberof|numof|num|n)", "", bare)):
        if stem in _ROWS:
            return Y
        if stem in _COLUMNS:
            return X
    return None


def _paired(names: Sequence[str]) -> list[str | None]:
    """The roles of axes by names that say them in pairs alone."""
    bare = [_bare(name) for name in names]
    for rows, columns in _PAIRS:
        if rows in bare and columns in bare:
            return [{rows: Y, columns: X}.get(name) for name in bare]
    return [None] * len(bare)


def _bare(name: str) -> str:
    """The last step of a path, without HDF-EOS's ":grid", as letters only."""
    return re.sub(r"[^a-z0-9]", "", plain_name(name.rpartition("/")[2].partition(":")[0]))


def band_lengths(shape: Sequence[int], axes: Sequence[str] | None) -> tuple[int, ...]:
    """Numbers that the bands may have: the other axis' length, or each where none has a name."""
    if axes is None:
        return (1, *shape) if len(shape) > 2 else (1,)
    others = [size for size, name in zip(shape, axes, strict=True) if name not in (Y, X)]
    longer = [size for size in others if size > 1]
    return tuple(longer) or (1,)
