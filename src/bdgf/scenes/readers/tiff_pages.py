"""TIFF files of several pages: images of equal size that belong together."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raster_bands import one_or_all, read_bands
from bdgf.scenes.readers.raw_array import BAND, RawArray, X, Y
from bdgf.scenes.readers.reading_limits import check_declared
from bdgf.scenes.readers.tiff_directories import Directory, directories


def page_numbers(source: Any) -> list[int]:
    """The pages' directories, counted from 1; masks and overviews are none. [] of a single page."""
    names = [name for name in source.subdatasets if name.startswith("GTIFF_DIR")]
    return sorted(int(name.split(":")[1]) for name in names)  # rasterio sorts them as text


def check_whole(path: Path, source: Any) -> None:
    """Checks that GDAL reads all that is in the file.

    ImageJ and tifffile may write one directory for a stack of images, of which GDAL reads the
    first alone; and of a file that starts with a preview GDAL reads the preview.

    Raises:
        SceneError: There is more in the file than GDAL reads.
    """
    numbers = page_numbers(source)
    read = max(1, len(numbers)) * source.count * source.height * source.width
    told = _told_size(source)
    # The description survives in copies of a part, whose files are smaller than it tells.
    if (
        not numbers
        and told > read
        and path.stat().st_size >= told * np.dtype(source.dtypes[0]).itemsize
    ):
        raise SceneError(
            f"{path} is a stack of images in one page, of which only the first {read} of {told} "
            "numbers can be read; write it again with one page (TIFF directory) a band, or as .npy"
        )
    first, others = (source.height, source.width), directories(path)[1:]
    larger = [d for d in others if not d.mask and d.rows > first[0] and d.columns > first[1]]
    if not numbers and larger:
        rows, columns = larger[0].rows, larger[0].columns
        raise SceneError(
            f"{path} starts with a page that is a preview ({first[0]}x{first[1]}) of another one "
            f"({rows}x{columns}); write the image alone to a file, as by `gdal_translate "
            f"GTIFF_DIR:{2 + others.index(larger[0])}:{path.name} image.tif`"
        )


def read_pages(path: Path, source: Any) -> RawArray:
    """Reads all pages of a TIFF file.

    Pages with a place, with several bands or with declarations of their own are images, and come
    as (y, x, band). Of plain pages only some writers say what they are: some write an array of
    (rows, columns, bands) as `rows` pages of columns x bands, so they come as (page, row, column)
    without names of the axes.

    Raises:
        SceneError: The pages differ in size, type or place.
    """
    pages = list(_each_page(path, source))
    _check_alike(path, pages)
    count, (rows, columns, bands) = len(pages), pages[0].values.shape
    description = _description(source)
    # tifffile writes what it is told of the array to the first page alone.
    plain = bands == 1 and ("shape" in _written(description) or not _are_images(pages))
    if plain and not _is_stack(description):
        axes = _written_axes(_written(description), (count, rows, columns))
        values = np.stack([page.values[..., 0] for page in pages])  # (page, row, column)
        note = f"{count} pages of {rows}x{columns} as one array"
        return replace(_plain(pages[0]), values=values, axes=axes, notes=(note, *pages[0].notes))
    return _stacked(pages, f"{count} pages of {bands} band{'s' * (bands > 1)} as bands")


def _each_page(path: Path, source: Any) -> Iterator[RawArray]:
    """Each page with its own mask; GDAL joins the first one in the file to the first page."""
    import rasterio

    found = directories(path)
    any_mask = any(directory.mask for directory in found)
    for number in page_numbers(source):
        if number == 1:
            read = read_bands(path, source)
        else:
            with rasterio.open(_name(path, found[number - 1]), driver="GTiff") as page:
                _check_page(path, page)
                read = read_bands(path, page)
        behind = _mask_behind(found, number, read.values.shape[:2])
        if behind is not None:
            with rasterio.open(_name(path, behind), driver="GTiff") as bits:
                read = replace(read, masked=bits.read(1) == 0)
        elif any_mask:
            read = replace(read, masked=None)  # GDAL gives the first page the mask of any
        yield read


def _check_page(path: Path, page: Any) -> None:
    item = max(np.dtype(dtype).itemsize for dtype in page.dtypes)
    check_declared(path, "a page", (page.height, page.width, page.count), item)


def _name(path: Path, directory: Directory) -> str:
    return f"GTIFF_DIR:off:{directory.place}:{path}"


def _mask_behind(
    found: Sequence[Directory], number: int, shape: tuple[int, ...]
) -> Directory | None:
    """The directory that masks a page: one of its size before the next page."""
    for directory in found[number:]:
        if directory.mask and (directory.rows, directory.columns) == shape:
            return directory
        if not directory.mask and not directory.reduced:
            return None
    return None


def _check_alike(path: Path, pages: Sequence[RawArray]) -> None:
    kinds = [f"{'x'.join(map(str, p.values.shape))} {p.values.dtype}" for p in pages]
    if len(set(kinds)) > 1:
        raise SceneError(
            f"{path} has {len(pages)} pages of different sizes or types "
            f"({', '.join(dict.fromkeys(kinds))}), so that they are no bands of one image; write "
            f"the image alone to a file, as by `gdal_translate GTIFF_DIR:1:{path.name} image.tif`"
        )
    placed = [(page.crs, page.transform) for page in pages if page.transform is not None]
    for crs, transform in placed[1:]:
        if crs != placed[0][0] or not transform.almost_equals(placed[0][1]):
            raise SceneError(
                f"{path} has {len(pages)} pages that lie in different places; write each page to a "
                "file and bring them to one grid"
            )


def _are_images(pages: Sequence[RawArray]) -> bool:
    first = pages[0]
    if first.values.shape[2] > 1 or first.crs is not None or first.transform is not None:
        return True
    if any(page.masked is not None or page.band_names or page.wavelengths for page in pages):
        return True
    return len({repr(_plain(page)) for page in pages}) > 1


def _plain(page: RawArray) -> RawArray:
    """What a page declares of its values, without the values and without what is of one page."""
    return replace(page, values=np.empty(0), axes=None, masked=None, palette=None)


def _description(source: Any) -> str:
    try:
        return str(source.tags().get("TIFFTAG_IMAGEDESCRIPTION", ""))
    except UnicodeDecodeError:
        return ""


def _told_size(source: Any) -> int:
    """How many numbers the writer tells of, 0 where it does not."""
    description = _description(source)
    stack = re.search(r"^images=(\d+)", description, re.M) if "ImageJ=" in description else None
    if stack:
        return int(stack[1]) * source.height * source.width
    return math.prod(_written(description).get("shape", [0]))


def _written(description: str) -> dict[str, Any]:
    """What tifffile writes of the array."""
    try:
        found = json.loads(description) if description.startswith("{") else {}
    except ValueError:
        return {}
    shape = found.get("shape", [])
    return found if isinstance(shape, list) and all(isinstance(n, int) for n in shape) else {}


def _is_stack(description: str) -> bool:
    """Whether the file is of a writer whose pages are always images."""
    return description.startswith("ImageJ=") or "<OME" in description


def _written_axes(written: dict[str, Any], shape: tuple[int, int, int]) -> tuple[str, ...] | None:
    """Names of (page, row, column), where tifffile was told them."""
    letters = str(written.get("axes", "")).upper()
    fits = written.get("shape") == [*shape]
    if fits and len(letters) == 3 and "Y" in letters and "X" in letters:
        return tuple({"Y": Y, "X": X}.get(letter, BAND) for letter in letters)
    return None


def _stacked(pages: Sequence[RawArray], note: str) -> RawArray:
    """All bands of all pages, one after the other."""
    first, bands = pages[0], pages[0].values.shape[2]

    def each(name: str) -> tuple[Any, ...]:
        return tuple(
            item
            for page in pages
            for item in getattr(page, name) * (bands if len(getattr(page, name)) == 1 else 1)
        )

    def if_all(name: str) -> tuple[Any, ...]:
        return each(name) if all(getattr(page, name) for page in pages) else ()

    doubts = [doubt for page in pages for doubt in page.doubts]
    if first.alpha is not None:
        doubts.append(
            "each page has an alpha band, which is taken as a band; choose with `channels`"
        )
    bad = [bands * i + band for i, page in enumerate(pages) for band in page.bad_bands]
    placed = next((page for page in pages if page.transform is not None), first)
    return replace(
        first,
        crs=placed.crs,
        transform=placed.transform,
        values=np.concatenate([page.values for page in pages], axis=2),
        masked=_stacked_masks(pages),
        nodata=one_or_all(each("nodata")),
        scale=one_or_all(each("scale")),
        offset=one_or_all(each("offset")),
        units=first.units if len({page.units for page in pages}) == 1 else "",
        band_names=if_all("band_names"),
        wavelengths=if_all("wavelengths"),
        bad_bands=frozenset(bad),
        alpha=None,
        palette=None,
        notes=tuple(dict.fromkeys([note, *(n for page in pages for n in page.notes)])),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def _stacked_masks(pages: Sequence[RawArray]) -> np.ndarray | None:
    """(y, x) or (y, x, band) bool."""
    if all(page.masked is None for page in pages):
        return None
    shape = pages[0].values.shape
    masks = [
        np.zeros(shape, bool)
        if page.masked is None
        else np.broadcast_to(
            page.masked if page.masked.ndim == 3 else page.masked[..., None], shape
        )
        for page in pages
    ]
    together = np.concatenate(masks, axis=2)
    return together[..., 0] if (together == together[..., :1]).all() else together
