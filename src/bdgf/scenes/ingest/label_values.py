"""Turns one label file into class ids, from numbers, colours or region names."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.classes import listing
from bdgf.scenes.config import SceneConfig
from bdgf.scenes.ingest.declared import is_nodata, scale_and_offset
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.label_marks import (
    by_other_marks,
    ids_by_colour,
    ids_by_name,
    ids_by_number,
    plain_name,
)
from bdgf.scenes.sources import LabelSource

log = logging.getLogger(__name__)

_MAX_ID = 255  # labels are uint8
_UNKNOWN = 0  # of `np.uint8` class ids: unlabelled


def hidden_labels(found: FoundArray[LabelSource]) -> np.ndarray:
    """(H, W) bool: where a mask or an alpha band of the file hides the labels."""
    array = found.arrays[0]
    hidden = np.zeros(array.values.shape[:2], bool)
    if found.source.mask == "none":
        return hidden
    if array.masked is not None:
        hidden |= array.masked if array.masked.ndim == 2 else array.masked.all(axis=2)
    if array.alpha is not None:
        hidden |= array.values[..., array.alpha] == 0
    return hidden


def label_numbers(found: FoundArray[LabelSource]) -> np.ndarray | None:
    """(H, W) float64 numbers of a map as it means them; None where it holds colours.

    NaN where the file has no data but for numbers that a class may use all the same.

    Raises:
        SceneError: The map has several bands that are no colours, or holds complex values.
    """
    array, source = found.arrays[0], found.source
    bands = [b for b in source.channels or range(array.values.shape[2]) if b not in source.exclude]
    if outside := [band for band in bands if band >= array.values.shape[2]]:
        raise SceneError(
            f"{found.about} has {array.values.shape[2]} bands, counted from 0, but `channels` "
            f"names {outside[0]}; correct it"
        )
    if array.alpha is not None and source.mask != "none" and source.channels is None:
        bands = [band for band in bands if band != array.alpha]
    values = array.values[..., bands]
    if values.dtype.kind not in "biuf":
        raise SceneError(f"{found.about} holds complex values; choose another variable")
    if values.shape[2] == 3 and values.dtype.kind in "iu":
        if (values != values[..., :1]).any():
            return None
        log.info("%s: its three bands are equal and read as one", found.about)
        values, bands = values[..., :1], bands[:1]
    if values.shape[2] != 1:
        raise SceneError(
            f"{found.about} has {values.shape[2]} bands, but labels have one, or three that are "
            "colours; choose it with `channels:`"
        )
    scale, offset = scale_and_offset(array, source.scale, array.values.shape[2])
    numbers = values[..., 0].astype(np.float64)  # exact for all labels there can be
    if scale[bands[0]] != 1 or offset[bands[0]] != 0:
        numbers = np.round(numbers * scale[bands[0]] + offset[bands[0]], 9)
    return numbers


def ids_of_numbers(
    found: FoundArray[LabelSource], numbers: np.ndarray, config: SceneConfig
) -> np.ndarray:
    """(H, W) uint8 class ids of numbers, 0 = unlabelled.

    Raises:
        SceneError: Numbers are no whole ones, or lie outside the class list.
    """
    unlabelled = [value for value in config.unlabelled if not isinstance(value, str)]
    known, places = np.unique(numbers, return_inverse=True)
    if fractions := [v for v in known if np.isfinite(v) and v != np.round(v)]:
        raise SceneError(
            f"{found.about} holds {listing(fractions)}, which are not labels; choose another "
            "variable"
        )
    declared = _declared_nodata(found, known)
    ids = ids_by_number(config.classes)
    mapped: np.ndarray | None = np.zeros(known.size, np.uint8)
    counts, outside = np.bincount(places.ravel()), {}
    assert mapped is not None
    for position, value in enumerate(known.tolist()):
        if value in ids:  # a class wins over the file's own nodata value
            mapped[position] = ids[value]
        elif value not in unlabelled and not np.isnan(value) and not declared[position]:
            if config.classes or not 1 <= value <= _MAX_ID:
                outside[value] = counts[position]
            mapped[position] = 0 if outside else int(value)
    mapped = by_other_marks(found, config, known, mapped, bool(outside))
    if mapped is None:
        raise _outside(found, outside, config)
    return mapped[places].reshape(numbers.shape)


def ids_of_colours(found: FoundArray[LabelSource], config: SceneConfig) -> np.ndarray:
    """(H, W) uint8 class ids of an image in the colours of the classes, 0 = unlabelled.

    Raises:
        SceneError: The classes have no colours, or the image holds others; lists them.
    """
    array = found.arrays[0]
    bands = [b for b in range(array.values.shape[2]) if b != array.alpha]
    bands = list(found.source.channels or bands)[:3]
    red, green, blue = _eight_bits(found, array.values[..., bands])
    known, places, counts = np.unique(
        (red << 16) | (green << 8) | blue, return_inverse=True, return_counts=True
    )
    hidden = np.isin(known, (red << 16 | green << 8 | blue)[~hidden_labels(found)], invert=True)
    table = ids_by_colour(config)
    unknown = [i for i, c in enumerate(known.tolist()) if c not in table and not hidden[i]]
    if unknown:
        seen = ", ".join(f"{_hex(known[i])} ({counts[i]} pixels)" for i in unknown[:10])
        more = f" and {len(unknown) - 10} other colours" if len(unknown) > 10 else ""
        have = ", ".join(_hex(colour) for colour in table) or "none"
        raise SceneError(
            f"{found.about} is an image in colours, and {seen}{more} are the colour of no class "
            f"(known: {have}); give each class its `color` (or list it under its `values`), and "
            "colours that mean unlabelled under `unlabelled`"
        )
    log.info("%s: read by the colours of the classes", found.about)
    mapped = np.array([table.get(colour, _UNKNOWN) for colour in known.tolist()], np.uint8)
    return mapped[places].reshape(red.shape)


def ids_of_regions(
    found: FoundArray[LabelSource], config: SceneConfig, order: Sequence[str] | None
) -> np.ndarray:
    """(H, W) uint8 class ids of numbered regions, matched by their names.

    Args:
        found: A map whose regions have names.
        config: The scene's configuration.
        order: The regions' names in the order of class ids, where the names do not tell.

    Raises:
        SceneError: A region has the name of no class.
    """
    array = found.arrays[0]
    names = array.regions or ()
    ids = {plain_name(name): i for i, name in enumerate(order, 1)} if order else ids_by_name(config)
    unmatched = [name for name in names if plain_name(name) not in ids]
    if unmatched:
        raise SceneError(
            f"{found.about} lists the regions {', '.join(names)}, of which "
            f"{', '.join(map(repr, unmatched))} have the name of no class "
            f"({', '.join(c.name for c in config.classes)}); list the region's name under the "
            "`values` of its class, or under `unlabelled`"
        )
    table = np.array([0, *(ids[plain_name(name)] for name in names)], np.uint8)
    return table[array.values[..., 0].astype(np.int64)]


def order_of_regions(
    found: Iterable[FoundArray[LabelSource]], config: SceneConfig
) -> tuple[str, ...] | None:
    """The regions' names in the order of class ids; None if the names identify the classes.

    Without a class list the names of all files, in order of first appearance, are the classes.
    With one whose names match none, all files must list the same regions, one a class.
    """
    lists = [f.arrays[0].regions for f in found if f.arrays[0].regions is not None]
    names = tuple(dict.fromkeys(name for regions in lists for name in regions or ()))
    if not names or not config.classes:
        return names or None
    known = ids_by_name(config)
    alike = all(tuple(map(plain_name, r or ())) == tuple(map(plain_name, names)) for r in lists)
    if any(plain_name(name) in known for name in names) or not alike:
        return None
    if len(names) != len(config.classes):
        return None
    log.warning(
        "the regions %s have the names of no class; they are taken in their order, which is the "
        "same in all files; to be sure, list each name under the `values` of its class",
        ", ".join(names),
    )
    return names


def _eight_bits(found: FoundArray[LabelSource], colours: np.ndarray) -> list[np.ndarray]:
    """(y, x) int64 red, green and blue of 0 to 255; of 16 bits, 65535 is 255."""
    values = colours.astype(np.int64)
    if values.max() > 255 and colours.dtype.itemsize > 1 and not (values % 257).any():
        values = values // 257
    if values.min() < 0 or values.max() > 255:
        raise SceneError(
            f"{found.about} has three bands of {values.min()} to {values.max()}, which are "
            "not 8-bit colours; choose the band of labels with `channels:`, or write the colours "
            "as 8 bits"
        )
    return [values[..., band] for band in range(3)]


def _declared_nodata(found: FoundArray[LabelSource], known: np.ndarray) -> np.ndarray:
    """Of the numbers in a map: whether the file declares them as nodata."""
    array = found.arrays[0]
    numbers = np.array([n for one in array.nodata for n in one], np.float64)[:, None]
    return is_nodata(known[:, None], numbers)[:, 0] if numbers.size else np.zeros(known.size, bool)


def _hex(colour: int) -> str:
    return f"#{int(colour):06x}"


def _outside(
    found: FoundArray[LabelSource], outside: Mapping[float, int], config: SceneConfig
) -> SceneError:
    numbers = ", ".join(f"{value:g} ({n} pixels)" for value, n in list(outside.items())[:5])
    more = f" and {len(outside) - 5} other values" if len(outside) > 5 else ""
    known = (
        f"values {listing(ids_by_number(config.classes), most=20)}" if config.classes else "none"
    )
    unlabelled = ", ".join(str(v) if isinstance(v, str) else f"{v:g}" for v in config.unlabelled)
    return SceneError(
        f"{found.about} holds {numbers}{more}, outside the class list ({known}; "
        f"unlabelled {unlabelled}); correct `classes` or `unlabelled`"
    )
