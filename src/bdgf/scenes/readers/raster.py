"""Rasters through rasterio: GeoTIFF, ENVI and what else GDAL opens."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers import envi
from bdgf.scenes.readers.raster_bands import read_bands
from bdgf.scenes.readers.raster_drivers import check_beside, driver_of
from bdgf.scenes.readers.raw_array import RawArray, WindowsError
from bdgf.scenes.readers.reading_limits import check_declared, limits_in_force
from bdgf.scenes.readers.references import check_inside
from bdgf.scenes.readers.tiff_pages import check_whole, page_numbers, read_pages
from bdgf.scenes.readers.vrt import check_vrt


def read_raster(path: Path, variable: str | None) -> RawArray:
    """Reads all bands of a raster as (y, x, band); an ENVI image by its header or its data file.

    Plain pages of a TIFF come as (page, row, column) without names of the axes, see `read_pages`.

    Raises:
        SceneError: A variable was asked for, an ENVI image's data are missing or cut short, or a
            raw binary file has no header.
    """
    if variable is not None:
        raise SceneError(
            f"{path}: a raster has bands, no variables; leave out 'variable: {variable}' and "
            "choose bands with `channels:`"
        )
    path = envi.find_data(path) if path.suffix.lower() == ".hdr" else path
    with _opened(path) as source:
        if not source.count:
            raise SceneError(f"{path} holds no bands itself; write the image as a GeoTIFF")
        if source.driver == "GTiff":
            check_whole(path, source)
            if pages := page_numbers(source):
                if limits_in_force().window is not None:
                    raise WindowsError(f"{path}: pages of a TIFF are read whole, not in windows")
                _check_size(path, source, len(pages))
                return read_pages(path, source)
        _check_size(path, source)
        return read_bands(path, source)


def _check_size(path: Path, source: Any, pages: int = 1) -> None:
    """Pages may differ in size; `read_bands` looks at each of them again."""
    item = max(np.dtype(dtype).itemsize for dtype in source.dtypes)
    window = limits_in_force().window or (0, source.height, 0, source.width)
    sides = [window[1] - window[0], window[3] - window[2]]
    shape = [pages] * (pages > 1) + [*sides, source.count]
    check_declared(path, "its header", shape, item)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    # Scenes of this field often have no map position: the warning would say nothing new.
    driver = driver_of(path)
    if driver is None:
        raise envi.refusal_of_raw(path)
    if driver == "VRT":
        check_vrt(path)
    check_beside(path)
    with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):
        try:
            source = rasterio.open(path, driver=driver)
        except RasterioIOError as error:
            if driver == "ENVI":
                header = envi.find_header(path)
                if header is not None and header.read_bytes().startswith(b"\xef\xbb\xbf"):
                    raise SceneError(
                        f"{header} starts with a byte-order mark, so that its image is not "
                        "recognised; save it as plain text (UTF-8 without BOM)"
                    ) from error
            raise
        with source:
            _check_files(path, source)
            yield source


def _check_files(path: Path, source: Any) -> None:
    """Checks the other files that a raster names: parts of an ERDAS image, sources of a VRT."""
    for name in source.files:
        check_inside(path, name, Path.cwd(), "it")
    if "OVERVIEW_FILE" in _overviews(source):
        raise SceneError(f"{path} names another file for its overviews; write the image again")


def _overviews(source: Any) -> dict[str, str]:
    try:
        return dict(source.tags(ns="OVERVIEWS"))
    except UnicodeDecodeError:
        return {}
