"""The georeference of a scene: its coordinate reference system and affine transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS

Gridded = TypeVar("Gridded", xr.Dataset, xr.DataArray)


def georeference(scene: xr.Dataset | xr.DataArray) -> tuple[CRS | None, Affine | None]:
    """The coordinate reference system and the affine transform, None where the scene has none.

    Reads the `spatial_ref` variable itself, so that it works whether or not a reader of the file
    has decoded it as a coordinate.
    """
    reference = scene.coords.get("spatial_ref")
    if reference is None and isinstance(scene, xr.Dataset):
        reference = scene.get("spatial_ref")
    if reference is None:
        return None, None
    crs, transform = None, None
    if wkt := reference.attrs.get("crs_wkt"):
        from rasterio.crs import CRS

        crs = CRS.from_wkt(wkt)
    if numbers := reference.attrs.get("GeoTransform"):
        from affine import Affine

        transform = Affine.from_gdal(*(float(number) for number in numbers.split()))
    return crs, transform


def with_georeference(scene: Gridded, crs: CRS | str | None, transform: Affine | None) -> Gridded:
    """The scene with its `spatial_ref` coordinate and the coordinates of the pixels' centres.

    Args:
        scene: Dataset or array with dims y and x.
        crs: Coordinate reference system, if known.
        transform: Affine map from (column, row) to coordinates, if known.
    """
    if crs is None and transform is None:
        return scene
    import rioxarray  # noqa: F401 - registers the accessor `rio`

    # Rotated grids have no 1-D coordinates.
    if transform is not None and transform.b == 0 and transform.d == 0:
        rows, columns = np.arange(scene.sizes["y"]), np.arange(scene.sizes["x"])
        scene = scene.assign_coords(
            y=transform.f + transform.e * (rows + 0.5),
            x=transform.c + transform.a * (columns + 0.5),
        )
    # On one pixel: rioxarray copies what it is given, and the scene may be large, or hollow.
    pixel = scene.isel(y=slice(1), x=slice(1))
    if transform is not None:
        pixel = pixel.rio.write_transform(transform)
    if crs is not None:
        pixel = pixel.rio.write_crs(crs)
    placed = scene.assign_coords(spatial_ref=pixel["spatial_ref"])
    if isinstance(placed, xr.Dataset):
        pairs = [(placed[name], pixel[name]) for name in placed.data_vars]
    else:
        pairs = [(placed, pixel)]
    for array, told in pairs:
        array.attrs, array.encoding = told.attrs, told.encoding
    return placed
