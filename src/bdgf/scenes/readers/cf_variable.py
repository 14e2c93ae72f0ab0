"""A variable that keeps to CF, of a NetCDF file or a Zarr store, with the numbers as stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.scenes.readers.attribute_values import Remarks
from bdgf.scenes.readers.attributes import as_meant, read_packing
from bdgf.scenes.readers.axis_names import (
    are_numbered,
    band_lengths,
    name_axes,
    without_single_axes,
)
from bdgf.scenes.readers.band_lists import read_bad_bands, read_wavelengths
from bdgf.scenes.readers.chunk_windows import (
    StoredNumbers,
    asked_for,
    in_rows_and_columns,
    window_of,
)
from bdgf.scenes.readers.netcdf_crs import ASSUMED
from bdgf.scenes.readers.netcdf_groups import Groups
from bdgf.scenes.readers.netcdf_place import find_coordinate, find_place
from bdgf.scenes.readers.raw_array import RawArray, VariableError, X, Y
from bdgf.scenes.readers.reading_limits import check_declared
from bdgf.scenes.readers.variable_path import dotted, find_variable, only_variable

if TYPE_CHECKING:
    import xarray as xr

NO_FILLS: Mapping[str, float] = MappingProxyType({})


def find_map(path: Path, groups: Groups, variable: str | None) -> str:
    """The place of the variable that is asked for, or of the only image.

    Args:
        path: The file, for messages.
        groups: Its variables.
        variable: The name as the user wrote it; groups are separated by "." or "/".

    Raises:
        VariableError: The variable is not there, or there are several images.
    """
    maps, known = groups.maps(), groups.named()
    return find_variable(path, variable or only_variable(path, maps), known, maps or known)


def read_cf_variable(
    path: Path, groups: Groups, place: str, default_fills: Mapping[str, float] = NO_FILLS
) -> RawArray:
    """Reads one variable, or the window of it that is asked for.

    The names of the dimensions, and CF's attributes of their coordinates, name the axes.

    Args:
        path: The file, for messages.
        groups: Its variables.
        place: The variable's path among them, as `find_map` gives it.
        default_fills: What the format writes where nothing was written, by dtype (`f4`).

    Raises:
        VariableError: The variable is no map of numbers.
        WindowsError: A window was asked for of what can only be read whole.
    """
    group, name = groups.named()[place]
    found = groups.variables[group][name]
    if found.dtype.kind not in "biufc" or not found.size:
        raise VariableError(
            f"{path}: '{dotted(place)}' is not an array of numbers; choose another variable"
        )
    what = f"its variable '{dotted(place)}'"
    if not asked_for():
        check_declared(path, what, found.shape, found.dtype)
    return _raw_array(path, what, groups, group, found, default_fills)


def _raw_array(
    path: Path,
    what: str,
    groups: Groups,
    group: str,
    variable: xr.Variable,
    default_fills: Mapping[str, float],
) -> RawArray:
    remarks = Remarks()
    names = [str(name) for name in variable.dims]
    axes = name_axes(names, _coordinates(groups, group, variable))
    evidence: np.ndarray | StoredNumbers
    if asked_for():
        stored = StoredNumbers(
            lambda part: variable[part].to_numpy(), variable.shape, variable.dtype
        )
        chunks = variable.encoding.get("chunksizes")
        values, attributes = as_meant(window_of(path, what, stored, axes, chunks), variable.attrs)
        evidence = replace(stored, dtype=values.dtype)
    else:
        values, attributes = as_meant(variable.to_numpy(), variable.attrs)
        evidence = values
    crs = transform = None
    if axes is not None:
        where = {role: axes.index(role) for role in (Y, X)}
        crs, transform = find_place(groups, group, variable, where, remarks)
    bands = band_lengths(variable.shape, axes)
    beside = _beside(groups, group, variable, axes)
    packing = read_packing(attributes, evidence, bands, remarks, is_cf=True)
    fill = default_fills.get(values.dtype.str[1:])
    if fill is not None and not packing.nodata[0] and np.any(values == fill):
        packing = packing.with_nodata((fill,))
        remarks.notes.append(f"NetCDF's own fill value {fill:.10g} is taken as no data")
    wavelengths = read_wavelengths(attributes, beside, bands, remarks)
    bad_bands = read_bad_bands(attributes, beside, bands, remarks)
    stored_axes = axes
    values, axes = without_single_axes(values, axes, names, remarks)
    array = RawArray(
        values,
        axes=axes,
        maybe_reversed=axes is None and not are_numbered(names),
        band_names=_band_names(groups, group, variable, bands),
        wavelengths=wavelengths,
        bad_bands=bad_bands,
        crs=crs,
        crs_is_assumed=ASSUMED in remarks.notes,
        transform=transform,
        notes=tuple(dict.fromkeys(remarks.notes)),
        doubts=tuple(dict.fromkeys(remarks.doubts)),
        **packing.fields(),
    )
    if stored_axes is None or not asked_for():
        return array
    return in_rows_and_columns(array, variable.shape, stored_axes)


def _coordinates(groups: Groups, group: str, variable: xr.Variable) -> dict[str, Mapping[str, Any]]:
    """Dimension -> attributes of its coordinate."""
    found: dict[str, Mapping[str, Any]] = {}
    for dimension, size in zip(variable.dims, variable.shape, strict=True):
        coordinate = find_coordinate(groups, group, str(dimension), size)
        found[str(dimension)] = coordinate[1].attrs if coordinate else {}
    return found


def _beside(
    groups: Groups, group: str, variable: xr.Variable, axes: Sequence[str] | None
) -> list[tuple[str, np.ndarray, Mapping[str, Any]]]:
    """Name, values and attributes of the 1-D variables along the axes that may be the bands'."""
    found: list[tuple[str, np.ndarray, Mapping[str, Any]]] = []
    for i, (dimension, size) in enumerate(zip(variable.dims, variable.shape, strict=True)):
        if axes is not None and axes[i] in (Y, X):
            continue
        for name, beside in groups.along(group, str(dimension), size):
            if beside.dtype.kind in "biuf":
                values, attributes = as_meant(beside.to_numpy(), beside.attrs)
                found.append((name, values, attributes))
    return found


def _band_names(
    groups: Groups, group: str, variable: xr.Variable, bands: Sequence[int]
) -> tuple[str, ...]:
    """(bands,) texts of a coordinate, such as B02, B03."""
    for dimension, size in zip(variable.dims, variable.shape, strict=True):
        for name, beside in groups.along(group, str(dimension), size):
            is_text = beside.dtype.kind in "OUS" and name.rpartition("/")[2] == dimension
            if is_text and size in bands and all(isinstance(v, str) for v in beside.to_numpy()):
                return tuple(beside.to_numpy().tolist())
    return ()
