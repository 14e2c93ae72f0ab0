"""The grid mapping of a NetCDF variable: its coordinate reference system and its GeoTransform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.scenes.readers.attribute_values import Remarks, numbers, plain_name, text
from bdgf.scenes.readers.axis_names import degrees, is_degree_name
from bdgf.scenes.readers.netcdf_groups import Groups, decoded
from bdgf.scenes.readers.raw_array import X, Y

if TYPE_CHECKING:
    import xarray as xr
    from affine import Affine
    from rasterio.crs import CRS

ASSUMED = "its coordinates are degrees without a system, taken as EPSG:4326"


def grid_mapping(groups: Groups, group: str, variable: xr.Variable) -> dict[str, Any] | None:
    """The attributes of the variable's grid mapping: CF's attribute names it.

    xarray loses that attribute in arithmetic, but keeps the mapping as a coordinate.
    """
    named = text(variable.attrs.get("grid_mapping")).partition(":")[0].split()
    others = text(variable.attrs.get("coordinates")).split()
    for name in (*named, *others, "spatial_ref", "crs"):
        found = groups.visible(group, name.rpartition("/")[2])
        if found is not None and (name in named or _describes_crs(found)):
            return dict(found.attrs)
    return None


def _describes_crs(variable: xr.Variable) -> bool:
    names = {"grid_mapping_name", "crs_wkt", "spatial_ref"}
    return variable.ndim == 0 and not names.isdisjoint(variable.attrs)


def read_crs(mapping: dict[str, Any], remarks: Remarks) -> CRS | None:
    """The coordinate reference system of a grid mapping; a doubt if it is not understood."""
    import rioxarray  # noqa: F401 - registers the accessor `rio`
    import xarray as xr

    scalar = xr.Variable((), 0, mapping)
    array = xr.DataArray(
        np.zeros((1, 1)), dims=(Y, X), coords={"mapping": scalar}, attrs={"grid_mapping": "mapping"}
    )
    try:
        crs = array.rio.crs
    except (
        Exception
    ) as error:  # pyproj and rasterio have their own errors for what they do not know
        reason = " ".join(str(error).split())[:80]
        remarks.doubts.append(f"its coordinate reference system is not understood: {reason}")
        return None
    if crs is None and {"grid_mapping_name", "crs_wkt", "spatial_ref"} & set(mapping):
        remarks.doubts.append("its coordinate reference system is not understood")
    return crs


def read_geotransform(mapping: dict[str, Any], remarks: Remarks) -> Affine | None:
    """The grid mapping's `GeoTransform`, in GDAL's order."""
    from affine import Affine

    for name, value in mapping.items():
        if plain_name(name) != "geotransform":
            continue
        found = numbers(value)
        if found is not None and len(found) == 6 and np.all(np.isfinite(found)):
            transform = Affine.from_gdal(*map(float, found))
            if transform == Affine.identity():  # what GDAL and rioxarray write for no place
                return None
            if not transform.is_degenerate:
                return transform
        remarks.doubts.append(f"its {name} attribute is no six numbers of a grid")
    return None


def degrees_crs(
    rows: tuple[str, xr.Variable], columns: tuple[str, xr.Variable], remarks: Remarks
) -> CRS | None:
    """EPSG:4326 for coordinates that are degrees north and east by their units or their names."""
    from rasterio.crs import CRS

    for role, (name, variable) in zip((Y, X), (rows, columns), strict=True):
        units = text(variable.attrs.get("units"))
        is_named = not units and is_degree_name(name)
        if degrees(units) != role and not is_named:
            return None
        if text(variable.attrs.get("standard_name")).startswith("grid_"):
            return None  # of a rotated pole
        if is_named and np.abs(decoded(name, variable)).max() > (90 if role == Y else 360):
            return None
    remarks.notes.append(ASSUMED)
    return CRS.from_epsg(4326)
