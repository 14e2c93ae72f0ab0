"""Values and band metadata of a raster opened by GDAL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bdgf.scenes.readers import envi
from bdgf.scenes.readers.alpha_values import GREY_SHARE, grey_share
from bdgf.scenes.readers.envi_bands import EnviBands, bands_of
from bdgf.scenes.readers.raster_place import place_of
from bdgf.scenes.readers.raw_array import BAND, RawArray, X, Y
from bdgf.scenes.readers.reading_limits import limits_in_force

T = TypeVar("T")


def read_bands(path: Path, source: Any) -> RawArray:
    """Reads all bands of an open raster as (y, x, band), with all that it declares.

    Args:
        path: The data file, for messages.
        source: The open rasterio dataset.

    Raises:
        SceneError: The data of an ENVI image are cut short.
    """
    header = _header(source)
    doubts: tuple[str, ...] = ()
    if source.driver == "ENVI":
        doubts = envi.check_size(path, header)
    said = bands_of(header, source.count)
    place = place_of(source)
    window = _window(source)
    values = _values(source, window)
    scale, offset, scale_doubts = _scale(source, said)
    units, unit_notes = _units(source)
    return RawArray(
        values,
        axes=(Y, X, BAND),
        masked=_masked(source, window),
        nodata=_nodata(source, window, values, said),
        scale=scale,
        offset=offset,
        units=units,
        band_names=said.band_names or _descriptions(source),
        wavelengths=said.wavelengths or _wavelengths(source),
        bad_bands=said.bad_bands,
        alpha=_alpha(source, values),
        crs=place.crs,
        transform=place.transform,
        value_names=said.value_names,
        palette=_palette(source, values),
        notes=(*said.notes, *unit_notes, *place.notes),
        doubts=(*doubts, *said.doubts, *scale_doubts, *place.doubts),
        whole=None if window is None else source.shape,
    )


def one_or_all(items: Sequence[T]) -> tuple[T, ...]:
    """One entry where all are the same (NaN is the same as NaN), else all."""
    return tuple(items[:1] if len({repr(item) for item in items}) == 1 else items)


def as_stored(number: float | None, dtype: Any) -> tuple[float, ...]:
    """The numbers of `dtype` that a declared nodata value stands for, to be compared exactly.

    A file declares it as text or float64. A number that the dtype cannot hold stands for none. In
    floating point it is rounded as the values were; and the many texts for the lowest number
    (-3.40282e+38 and longer ones) also stand for the lowest number itself, which GDAL misses.
    """
    dtype = np.dtype(dtype)
    if number is None:
        return ()
    if dtype.kind in "biu":
        if not np.isfinite(number) or number != int(number):
            return ()
        least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return (int(number),) if least <= number <= most else ()
    limit = float(np.finfo(dtype).max)
    with np.errstate(over="ignore"):
        rounded = float(np.zeros((), dtype).real.dtype.type(number))
    if not np.isfinite(number) or abs(abs(number) / limit - 1) > 1e-5:
        return () if np.isinf(rounded) and np.isfinite(number) else (rounded,)
    lowest = math.copysign(limit, number)
    return tuple(dict.fromkeys(v for v in (rounded, lowest) if math.isfinite(v)))


def _header(source: Any) -> envi.Header:
    """Fields of the ENVI header; other formats may carry them as metadata."""
    if source.driver == "ENVI":
        for file in map(Path, source.files):
            if file.suffix.lower() == ".hdr":
                return envi.read_header(file)
    if "ENVI" in source.tag_namespaces():
        tags = _tags(source, ns="ENVI")
        return {envi.field_name(name): value for name, value in tags.items()}
    marks = {k.lower(): v for k, v in _tags(source).items()}.get("bbl", "")
    if not marks:
        by_band = [{k.lower(): v for k, v in _tags(source, i).items()} for i in source.indexes]
        marks = ",".join(tags["bbl"] for tags in by_band if "bbl" in tags)
    return {"bbl": marks} if marks else {}


def _tags(source: Any, *band: int, ns: str | None = None) -> dict[str, str]:
    """Metadata of a file or band; none where they are in another encoding than UTF-8."""
    try:
        return dict(source.tags(*band, ns=ns))
    except UnicodeDecodeError:
        return {}


def _texts(source: Any, name: str) -> tuple[str, ...]:
    """A text of each band; none where they are in another encoding than UTF-8."""
    try:
        return tuple(text or "" for text in getattr(source, name))
    except UnicodeDecodeError:
        return ()


def _window(source: Any) -> Any:
    """The part that is asked for, as rasterio has it; None for all."""
    from rasterio.windows import Window

    asked = limits_in_force().window
    if asked is None:
        return None
    top, bottom, left, right = asked
    return Window.from_slices((top, min(bottom, source.height)), (left, min(right, source.width)))


def _values(source: Any, window: Any) -> np.ndarray:
    """(y, x, band) as stored; bands of several dtypes come in one that holds them all."""
    if len(set(source.dtypes)) == 1:
        return source.read(window=window).transpose(1, 2, 0)
    bands = [source.read(i, window=window) for i in source.indexes]
    return np.stack(bands, axis=2).astype(np.result_type(*source.dtypes), copy=False)


def _kinds(source: Any) -> list[set[str]]:
    """What GDAL takes each band's mask from: all_valid, nodata, alpha, per_dataset or nothing."""
    return [{flag.name for flag in flags} for flags in source.mask_flag_enums]


def _has_mask(kind: set[str]) -> bool:
    """Whether the file has a mask of its own.

    GDAL also makes masks from alpha and nodata; both are reported as what they are. "nodata" with
    "per_dataset" is a combination of numbers, such as the transparent colour of a PNG, that only
    hides where all bands hold theirs: that can only be reported as a mask.
    """
    if "all_valid" in kind or "alpha" in kind:
        return False
    return "nodata" not in kind or "per_dataset" in kind


def _masked(source: Any, window: Any) -> np.ndarray | None:
    """(y, x) or (y, x, band) bool: where a mask hides the values."""
    kinds = _kinds(source)
    if not any(map(_has_mask, kinds)):
        return None
    if all("per_dataset" in kind and _has_mask(kind) for kind in kinds):
        return source.read_masks(1, window=window) == 0
    shape = source.shape if window is None else (window.height, window.width)
    nowhere = np.zeros(shape, bool)
    masks = [
        source.read_masks(i, window=window) == 0 if _has_mask(kind) else nowhere
        for i, kind in zip(source.indexes, kinds, strict=True)
    ]
    if all(np.array_equal(mask, masks[0]) for mask in masks):
        return masks[0]
    return np.stack(masks, axis=2)


def _nodata(
    source: Any, window: Any, values: np.ndarray, said: EnviBands
) -> tuple[tuple[float, ...], ...]:
    """One a band; GDAL tells the declared value even where a mask hides more."""
    found: list[tuple[float, ...]] = []
    declared = zip(_kinds(source), source.nodatavals, source.dtypes, strict=True)
    for band, (kind, number, dtype) in enumerate(declared):
        if {"nodata", "per_dataset"} <= kind:
            found.append(())  # a combination, see `_has_mask`
        elif np.dtype(dtype).kind in "iu" and np.dtype(dtype).itemsize == 8 and "nodata" in kind:
            # Beyond 2**53 the declared number comes rounded, but GDAL's mask is exact.
            hidden = values[..., band][source.read_masks(band + 1, window=window) == 0]
            found.append(tuple(int(v) for v in hidden[:1]))
        else:
            if said.ignored is not None and (number is None or source.driver == "ENVI"):
                number = said.ignored[0] if said.ignored else None
            found.append(as_stored(number, dtype))
    return one_or_all(found)


def _scale(
    source: Any, said: EnviBands
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[str, ...]]:
    """One a band, and doubts: what the ENVI header gives for the bands, or what GDAL tells."""
    scale, offset = one_or_all(source.scales), one_or_all(source.offsets)
    from_gdal = (scale, offset) != ((1.0,), (0.0,))
    if said.scale is not None and not (from_gdal and source.driver != "ENVI"):
        scale, offset = said.scale, said.offset
    if not np.isfinite([*scale, *offset]).all() or 0 in scale:
        doubt = "a declared scale is 0 or no number and is not applied; set `scale`"
        return (1.0,), (0.0,), (doubt,)
    return scale, offset, ()


def _units(source: Any) -> tuple[str, tuple[str, ...]]:
    units = _texts(source, "units")
    if len(set(units)) > 1:
        return "", (f"units differ from band to band: {', '.join(map(repr, units[:5]))}",)
    return units[0] if units else "", ()


def _descriptions(source: Any) -> tuple[str, ...]:
    """The bands' descriptions; of an ENVI image GDAL makes them up from other fields."""
    if source.driver == "ENVI":
        return ()
    names = _texts(source, "descriptions")
    return names if any(names) else ()


def _wavelengths(source: Any) -> tuple[float, ...]:
    """One a band, of its metadata."""
    found = []
    for i in source.indexes:
        tags = {name.lower(): value for name, value in _tags(source, i).items()}
        imagery = _tags(source, i, ns="IMAGERY")
        text = tags.get("wavelength") or imagery.get("CENTRAL_WAVELENGTH_UM") or ""
        value = envi.numbers(text)
        if not value or len(value) != 1:
            return ()
        found.append(value[0])
    return tuple(found)


def _alpha(source: Any, values: np.ndarray) -> int | None:
    """The band that is flagged as alpha; tifffile flags the fourth of any four, an image or not."""
    kinds = [kind.name for kind in source.colorinterp]
    if "alpha" not in kinds:
        return None
    band = kinds.index("alpha")
    by_tifffile = _tags(source).get("TIFFTAG_IMAGEDESCRIPTION", "").startswith('{"shape"')
    return None if by_tifffile and grey_share(values[..., band]) > GREY_SHARE else band


def _palette(source: Any, values: np.ndarray) -> dict[int, tuple[int, int, int]] | None:
    """The colours of the values that occur, of a raster of one band with a colour table."""
    if source.count != 1 or values.dtype.kind not in "iu":
        return None
    try:
        table = source.colormap(1)
    except ValueError:  # it has none
        return None
    present = np.unique(values).tolist()
    return {value: tuple(table[value][:3]) for value in present if value in table}
