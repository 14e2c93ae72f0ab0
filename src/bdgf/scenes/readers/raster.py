"""Rasters through rasterio: GeoTIFF, ENVI and what else GDAL opens."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raw_array import RawArray

_ENVI_DATA = ("", ".dat", ".img", ".bsq", ".bil", ".bip", ".raw")


def read_raster(path: Path, variable: str | None) -> RawArray:
    """Reads all bands of a raster as (y, x, bands); an ENVI image by its header or its data file.

    Raises:
        SceneError: A variable was asked for, or an ENVI image's data are missing or cut short.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    if variable is not None:
        raise SceneError(
            f"{path}: a raster has bands, no variables; leave out 'variable: {variable}' and "
            "choose bands with `channels:`"
        )
    path = _envi_data(path) if path.suffix.lower() == ".hdr" else path
    # Scenes of this field often have no map position: the warning would say nothing new.
    with (
        warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
        rasterio.open(path) as source,
    ):
        if source.driver == "ENVI":
            _check_envi_size(path, source)
        values = source.read().transpose(1, 2, 0)  # (y, x, bands)
        transform = None if source.transform.is_identity else source.transform
        return RawArray(values, source.nodata, source.crs, transform, oriented=True)


def _envi_data(header: Path) -> Path:
    candidates = [header.with_suffix(suffix) for suffix in _ENVI_DATA]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise SceneError(
        f"{header} is an ENVI header without its data; looked for "
        f"{', '.join(c.name for c in candidates)} beside it"
    )


def _check_envi_size(path: Path, source: Any) -> None:
    """GDAL reads what is missing at the end of an ENVI file as zeros; better to say so."""
    import numpy as np

    tags = source.tags(ns="ENVI")
    itemsize = np.dtype(source.dtypes[0]).itemsize
    needed = int(tags.get("header_offset", 0)) + (
        source.count * source.height * source.width * itemsize
    )
    found = path.stat().st_size
    if found < needed and not tags.get("file_compression", "0").strip() == "1":
        raise SceneError(
            f"{path} is cut short: {found} bytes of {needed}; copy or download it again"
        )
