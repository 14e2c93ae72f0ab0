"""Rasters through rasterio: GeoTIFF, ENVI and what else GDAL opens."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bdgf.core.errors import SceneError
from bdgf.scenes.readers import envi
from bdgf.scenes.readers.raster_bands import read_bands
from bdgf.scenes.readers.raw_array import RawArray
from bdgf.scenes.readers.tiff_pages import check_whole, page_numbers, read_pages


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
            if page_numbers(source):
                return read_pages(path, source)
        return read_bands(path, source)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    # Scenes of this field often have no map position: the warning would say nothing new.
    with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):
        try:
            source = rasterio.open(path)
        except RasterioIOError as error:
            if path.suffix.lower() in envi.DATA_SUFFIXES and path.is_file():
                header = envi.find_header(path)
                if header is None and not _is_erdas(path):
                    raise envi.refusal_of_raw(path) from error
                if header is not None and header.read_bytes().startswith(b"\xef\xbb\xbf"):
                    raise SceneError(
                        f"{header} starts with a byte-order mark, so that its image is not "
                        "recognised; save it as plain text (UTF-8 without BOM)"
                    ) from error
            raise
        with source:
            yield source


def _is_erdas(path: Path) -> bool:
    """Whether an .img file is one of ERDAS, not raw numbers; those need no header."""
    with path.open("rb") as file:
        return file.read(4) == b"EHFA"
