"""Resamples layers on other grids to the scene's grid with GDAL's warper."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.config import ResamplingMethod
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.ingest.reference_systems import leads_to, names
from bdgf.scenes.scene import ModalityArray

if TYPE_CHECKING:
    from affine import Affine

_NUDGE = 1e-3  # cells; GDAL overlooks less than about 1e-5
_NOWHERE = -1  # number of no cell
_ANY_SYSTEM = 3857  # of two grids without one: it is the same for both, and nothing is reprojected


def resampled(
    image: ModalityArray, source: PixelGrid, target: PixelGrid, method: ResamplingMethod, about: str
) -> ModalityArray:
    """A modality on another grid.

    A cell without data has no part in any pixel; a pixel that no cell with data has a part in has
    no data.

    Args:
        image: (h, w, bands) on the grid `source`.
        source: Its grid.
        target: The scene's grid, rows and columns H, W.
        method: nearest: the cell in which the pixel's centre lies; bilinear: the cells around it,
            weighted by nearness (where the pixels are larger than the cells, over a pixel's
            width); average: all cells under the pixel, weighted by area.
        about: What it is, for messages.

    Returns:
        (H, W, bands).

    Raises:
        SceneError: The two reference systems cannot be brought together.
    """
    bands = image.values.shape[2]
    values = np.zeros((*target.shape, bands), np.float32)
    has_data = np.ones(target.shape, bool)
    here = np.empty(source.shape, np.float32)
    for band in range(bands):  # one at a time: little memory beside the scene's
        here[:] = image.values[..., band]
        if image.has_data is not None:
            here[~image.has_data] = np.nan
        there = _warped(here, source, target, method, np.nan, about)
        has_data &= np.isfinite(there)
        values[..., band] = there
    values[~has_data] = 0
    return replace(image, values=values, has_data=has_data)


def nearest_cells(source: PixelGrid, target: PixelGrid, about: str) -> np.ndarray:
    """(H, W) int64: the cell of `source` in which each pixel's centre lies, -1 for none.

    Cells are counted row by row.

    Args:
        source: A grid.
        target: Another, rows and columns H, W.
        about: What lies on `source`, for messages.

    Raises:
        SceneError: The two reference systems cannot be brought together.
    """
    rows, columns = source.shape
    numbers = np.arange(rows * columns, dtype=np.float64).reshape(rows, columns)
    return _warped(numbers, source, target, "nearest", _NOWHERE, about).astype(np.int64)


def _warped(
    values: np.ndarray,
    source: PixelGrid,
    target: PixelGrid,
    method: ResamplingMethod,
    nodata: float,
    about: str,
) -> np.ndarray:
    """(H, W) in the dtype of `values` (h, w); `nodata` where there is none."""
    from rasterio.crs import CRS
    from rasterio.warp import Resampling, reproject

    known = source.crs or target.crs or CRS.from_epsg(_ANY_SYSTEM)
    there = np.full(target.shape, nodata, values.dtype)
    if source.crs is not None and target.crs is not None and not leads_to(source.crs, target.crs):
        one, other = names(source.crs, target.crs)
        raise SceneError(
            f"{about} cannot be resampled: nothing leads from its reference system {one} to the "
            f"scene's, {other}; correct the file's, or warp the file (gdalwarp)"
        )
    here, on = _seen_by_gdal(source.transform, target.transform)
    reproject(
        values,
        there,
        src_transform=here,
        src_crs=source.crs or known,
        src_nodata=nodata,
        dst_transform=on,
        dst_crs=target.crs or known,
        dst_nodata=nodata,
        resampling=Resampling[method],
    )
    return there


def _seen_by_gdal(*transforms: Affine | None) -> list[Affine]:
    """The transforms, moved by nothing that counts where GDAL takes one for that of no place.

    That is the one of cells of one unit from (0, 0) on, whichever way the rows run.
    """
    from affine import Affine

    known = [transform for transform in transforms if transform is not None]
    of_no_place = [Affine(1, 0, 0, 0, sign, 0) for sign in (1, -1)]
    if not any(one.almost_equals(other, _NUDGE) for one in known for other in of_no_place):
        return known
    return [Affine.translation(_NUDGE, _NUDGE) @ transform for transform in known]
