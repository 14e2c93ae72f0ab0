"""Cloud-Optimized GeoTIFFs: maps with overviews, names and colours where GIS programs look.

Colours are the file's colour table. Names of classes are GDAL's category names and raster
attribute table, in the `.aux.xml` beside the file that GDAL and QGIS read; a `.qml` holds the same
as a style of QGIS.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Xml

import numpy as np

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS

_TILE = 512
"""Side of the file's tiles in pixels."""
_CACHE_MB = 64
"""What GDAL keeps of a file in memory, in megabytes."""
_CATEGORY_USAGES = {"Value": 5, "Class": 2, "Red": 6, "Green": 7, "Blue": 8}
"""Columns of the attribute table with the numbers of GDAL's `GDALRATFieldUsage`."""
_INTEGER, _TEXT = 0, 2  # GDAL's `GDALRATFieldType`


@dataclass(frozen=True)
class MapForm:
    """Description of a map without its values.

    Attributes:
        dtype: Name of the numbers' type.
        shape: (H, W).
        nodata: The number that means no data.
        crs: Coordinate reference system, if it is known.
        transform: Affine map from (column, row) to coordinates, if it is known.
        bands: A description of each band.
        units: Units of the numbers, "" for none.
        classes: Value -> (name, `#rrggbb`), of a map of classes.
        tags: Texts that the file carries.
    """

    dtype: str
    shape: tuple[int, int]
    nodata: float | None = None
    crs: CRS | None = None
    transform: Affine | None = None
    bands: tuple[str, ...] = ("",)
    units: str = ""
    classes: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def write_cog(path: Path, form: MapForm, rows: Iterator[tuple[slice, np.ndarray]]) -> None:
    """Writes a map and its companion files.

    Args:
        path: The `.tif`; a map of classes has a `.tif.aux.xml` and a `.qml` beside it.
        form: What the map is.
        rows: Slices of rows, from the first to the last, with their numbers (bands, rows, W).
    """
    import rasterio

    plain = path.with_name(f".{path.name}.plain")
    with _quiet(), rasterio.Env(GDAL_CACHEMAX=_CACHE_MB):
        try:
            _write_tiled(plain, form, rows)
            _optimize(plain, path, form)
        finally:
            for file in path.parent.glob(f"{plain.name}*"):
                file.unlink()
    _write_beside(path, form)


def write_small_cog(path: Path, form: MapForm, values: np.ndarray) -> None:
    """Writes a map that fits into memory twice, and its companion files.

    GDAL works in memory: it says nothing of what it cannot write while it closes a file.

    Args:
        path: The `.tif`; a map of classes has a `.tif.aux.xml` and a `.qml` beside it.
        form: What the map is.
        values: (bands, H, W).
    """
    from rasterio import MemoryFile

    with _quiet(), MemoryFile(ext=".tif") as plain, MemoryFile(ext=".tif") as optimized:
        _write_tiled(plain.name, form, iter([(slice(0, form.shape[0]), values)]))
        _optimize(plain.name, optimized.name, form)
        path.write_bytes(optimized.getbuffer())
    _write_beside(path, form)


def auxiliary_path(path: Path) -> Path:
    """Where GDAL looks for the names of the classes of the map `path`."""
    return path.with_name(f"{path.name}.aux.xml")


def style_path(path: Path) -> Path:
    """Where QGIS looks for the style of the map `path`."""
    return path.with_suffix(".qml")


def _optimize(plain: Path | str, path: Path | str, form: MapForm) -> None:
    from rasterio.shutil import copy

    copy(
        plain,
        path,
        driver="COG",
        COMPRESS="DEFLATE",
        BLOCKSIZE=_TILE,
        OVERVIEW_RESAMPLING="NEAREST" if form.classes else "AVERAGE",
        BIGTIFF="IF_SAFER",
    )


def _write_beside(path: Path, form: MapForm) -> None:
    if form.classes:
        _write_xml(auxiliary_path(path), _categories(form.classes))
        _write_xml(style_path(path), _style(form.classes), "<!DOCTYPE qgis>\n")


def _write_tiled(path: Path | str, form: MapForm, rows: Iterator[tuple[slice, np.ndarray]]) -> None:
    import rasterio
    from rasterio.windows import Window

    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": form.shape[0],
        "width": form.shape[1],
        "count": len(form.bands),
        "dtype": form.dtype,
        "nodata": form.nodata,
        "tiled": True,
        "blockxsize": _TILE,
        "blockysize": _TILE,
        "compress": "deflate",
        "BIGTIFF": "IF_SAFER",
    }
    # Set the georeference only where there is one; rasterio warns about an identity transform.
    profile |= {"crs": form.crs} if form.crs else {}
    profile |= {"transform": form.transform} if form.transform else {}
    with rasterio.open(path, "w", **profile) as target:
        if form.classes:  # before the values, which fix the header
            colors = {value: _rgba(color) for value, (_, color) in form.classes.items()}
            target.write_colormap(1, {0: (0, 0, 0, 0), **colors})
        for part, values in rows:
            count = part.stop - part.start
            target.write(values, window=Window(0, part.start, form.shape[1], count))
        for number, text in enumerate(form.bands, 1):
            target.set_band_description(number, text)
            if form.units:
                target.set_band_unit(number, form.units)
        target.update_tags(**form.tags)


def _categories(classes: Mapping[int, tuple[str, str]]) -> Xml.Element:
    root = Xml.Element("PAMDataset")
    band = Xml.SubElement(root, "PAMRasterBand", band="1")
    names = Xml.SubElement(band, "CategoryNames")
    for value in range(max(classes) + 1):
        Xml.SubElement(names, "Category").text = classes[value][0] if value in classes else ""
    table = Xml.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    for index, (name, usage) in enumerate(_CATEGORY_USAGES.items()):
        column = Xml.SubElement(table, "FieldDefn", index=str(index))
        Xml.SubElement(column, "Name").text = name
        Xml.SubElement(column, "Type").text = str(_TEXT if name == "Class" else _INTEGER)
        Xml.SubElement(column, "Usage").text = str(usage)
    for index, (value, (name, color)) in enumerate(sorted(classes.items())):
        row = Xml.SubElement(table, "Row", index=str(index))
        for text in (value, name, *_rgba(color)[:3]):
            Xml.SubElement(row, "F").text = str(text)
    return root


def _style(classes: Mapping[int, tuple[str, str]]) -> Xml.Element:
    root = Xml.Element("qgis", version="3.0", styleCategories="AllStyleCategories")
    renderer = Xml.SubElement(
        Xml.SubElement(root, "pipe"), "rasterrenderer", type="paletted", band="1", opacity="1"
    )
    palette = Xml.SubElement(renderer, "colorPalette")
    for value, (name, color) in sorted(classes.items()):
        Xml.SubElement(
            palette, "paletteEntry", value=str(value), label=name, color=color, alpha="255"
        )
    return root


def _write_xml(path: Path, root: Xml.Element, head: str = "") -> None:
    Xml.indent(root)
    path.write_text(head + Xml.tostring(root, encoding="unicode") + "\n", encoding="utf-8")


def _rgba(color: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue, 255


@contextmanager
def _quiet() -> Iterator[None]:
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):
        yield
