"""Wavelengths and bad bands, from attributes or from lists stored with a cube."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from bdgf.scenes.readers.attribute_values import Remarks, numbers, plain_name, shown, text

_WAVELENGTHS = re.compile(
    r"(cent(er|re|ral))?wave?lengths?(3d|nm|um|nanometers|micrometers)?|bandcent(er|re)s?"
    r"|bandwavelengths?|sensorbandcentralradiationwavelength|radiationwavelength|wl|wvl|wavelen"
)
_LENGTH_UNITS = re.compile(r"nm|um|µm|μm|nanomet(er|re)s?|micromet(er|re)s?|microns?")
_GOOD = ("bbl", "badbandslist", "badbandlist", "goodwavelength", "goodwavelengths", "goodband",
         "goodbands", "goodbandslist", "bandmask")  # fmt: skip
_BAD = ("badband", "badbands", "badwavelength", "badwavelengths")

Lists = Iterable[tuple[str, np.ndarray, Mapping[str, Any]]]


def read_wavelengths(
    attributes: Mapping[str, Any], lists: Lists, bands: Collection[int], remarks: Remarks
) -> tuple[float, ...]:
    """(bands,) wavelengths as the file gives them, or none.

    Args:
        attributes: Those of the cube.
        lists: 1-D variables along the bands, the nearest first: name, (bands,) values, attributes.
        bands: Numbers that the bands may have.
        remarks: Takes notes and doubts.
    """
    found = [(str(n), v) for n, v in attributes.items() if _WAVELENGTHS.fullmatch(plain_name(n))]
    for name, values, own in lists:
        standard = plain_name(text(own.get("standard_name")))
        is_length = _LENGTH_UNITS.fullmatch(text(own.get("units")).lower())
        known = _WAVELENGTHS.fullmatch(plain_name(name.rpartition("/")[2]))
        if known or _WAVELENGTHS.fullmatch(standard) or (is_length and "fwhm" not in name.lower()):
            found.append((name, values))
    for name, value in found:
        wavelengths = numbers(value)
        if wavelengths is None:
            remarks.doubts.append(f"its {name} '{shown(value)}' holds no wavelengths")
        elif len(wavelengths) not in bands:
            remarks.doubts.append(
                f"its {name} has {len(wavelengths)} numbers, which is not the number of bands"
            )
        elif np.all(np.isfinite(wavelengths) & (wavelengths > 0)):
            return tuple(wavelengths.astype(float).tolist())
    return ()


def read_bad_bands(
    attributes: Mapping[str, Any], lists: Lists, bands: Collection[int], remarks: Remarks
) -> frozenset[int]:
    """Bands that the file marks as bad, counted from 0; the arguments are those above."""
    listed = [(name, values) for name, values, _ in lists]
    for name, value in [*map(tuple, attributes.items()), *listed]:
        plain = plain_name(str(name).rpartition("/")[2])
        if plain not in (*_GOOD, *_BAD):
            continue
        flags = numbers(value)
        if flags is None:
            remarks.doubts.append(f"its {name} '{shown(value)}' is no list of bands")
            continue
        are_flags = len(flags) in bands and bool(np.all(np.isin(flags, (0, 1)) | np.isnan(flags)))
        if are_flags:
            is_bad = flags == 1 if plain in _BAD else flags != 1
            bad = np.flatnonzero(is_bad)
            if bad.size:
                remarks.notes.append(f"its {name} marks {bad.size} bands as bad")
            return frozenset(bad.tolist())
        if plain in _BAD and (bad_bands := _indices(str(name), flags, bands, remarks)):
            return bad_bands
        if plain in _GOOD:
            remarks.doubts.append(f"its {name} is no list of a 0 or a 1 for each band")
    return frozenset()


def _indices(
    name: str, listed: np.ndarray, bands: Collection[int], remarks: Remarks
) -> frozenset[int]:
    """Bad bands that are listed by their numbers, counted from 0 where nothing speaks for 1."""
    most = max(bands, default=0)
    if np.any(listed != np.floor(listed)) or np.any((listed < 0) | (listed > most)):
        remarks.doubts.append(f"its {name} names bands that are not there")
        return frozenset()
    first = int(np.any(listed == most) and not np.any(listed == 0))
    if not first and np.any(listed == most):
        remarks.doubts.append(f"its {name} names bands that are not there")
        return frozenset()
    if not np.any(listed == 0):
        remarks.doubts.append(f"its {name} is taken as counted from {first}: look whether it is")
    return frozenset((listed.astype(int) - first).tolist())
