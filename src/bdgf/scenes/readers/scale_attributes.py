"""Scale and offset of an HDF5 or NetCDF variable, and whether the scale multiplies or divides."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from bdgf.scenes.readers.attribute_values import Remarks, numbers, plain_name, shown, text
from bdgf.scenes.readers.chunk_windows import StoredNumbers

CF_FILLS = ("fillvalue", "missingvalue")
FILLS = (
    *CF_FILLS, "dataignorevalue", "ignorevalue", "nodata", "nodatavalue", "gdalnodata",
    "datafillvalue", "filldata", "fill", "missing", "missingdata", "missingdatavalue", "nullvalue",
    "novalue", "invalidvalue", "badvalue",
)  # fmt: skip
_DIVISORS = ("reflectancescalefactor", "divisor", "quantificationvalue")
_GAINS = ("gain", "datagain", "datagainvalues", "gainvalues", "slope")
_SCALES = ("scalefactor", "scalefactors", "scale", "scalingfactor", "datascalefactor", "datascale",
           "multiplicationfactor", "multiplier", *_DIVISORS, *_GAINS)  # fmt: skip
_RARE = 100  # reflectances are multiplied by 100, 1000 or 10000 to be stored as whole numbers
_OFFSETS = ("addoffset", "offset", "dataoffset", "dataoffsetvalues", "offsetvalues", "intercept",
            "additiveoffset")  # fmt: skip


def _one_a_band(
    name: str, value: Any, bands: Collection[int], remarks: Remarks
) -> np.ndarray | None:
    """(1,) or (bands,) numbers of an attribute; None, and a doubt, if it is malformed."""
    found = numbers(value)
    if found is None:
        remarks.doubts.append(f"its {name} '{shown(value)}' is no number and is not applied")
    elif not np.all(np.isfinite(found)):
        remarks.doubts.append(f"its {name} {shown(value)} is not finite and is not applied")
        found = None
    elif len(found) > 1 and np.all(found == found[0]):
        found = found[:1]
    elif len(found) > 1 and len(found) not in bands:
        remarks.doubts.append(
            f"its {name} has {len(found)} numbers, which is not the number of bands; "
            "it is not applied"
        )
        found = None
    return None if found is None else found.astype(np.float64)


def _chosen(
    attributes: Mapping[str, Any], known: Collection[str], cf_name: str, remarks: Remarks
) -> str | None:
    """The attribute that counts: CF's own name, or the first that is known."""
    names = [str(name) for name in attributes if plain_name(name) in known]
    if not names:
        return None
    name = cf_name if cf_name in names else names[0]
    for other in names:
        if shown(attributes[other]) != shown(attributes[name]):
            remarks.doubts.append(f"its {name} and its {other} differ; {name} counts")
    return name


def read_scale(
    attributes: Mapping[str, Any],
    values: np.ndarray | StoredNumbers,
    bands: Collection[int],
    remarks: Remarks,
    is_cf: bool,
) -> tuple[float, ...]:
    """One a band: what a stored number is multiplied by; the arguments as of `read_packing`."""
    name = _chosen(attributes, _SCALES, "scale_factor", remarks)
    if name is None:
        _unknown_scales(attributes, remarks)
        return (1.0,)
    found = _one_a_band(name, attributes[name], bands, remarks)
    if found is None:
        return (1.0,)
    if np.any(found == 0):
        remarks.doubts.append(f"its {name} is 0 and is not applied")
        return (1.0,)
    if _divides(name, found, attributes, values, remarks, is_cf):
        return tuple((1 / found).tolist())
    return tuple(found.tolist())


def _divides(
    name: str,
    found: np.ndarray,
    attributes: Mapping[str, Any],
    values: np.ndarray | StoredNumbers,
    remarks: Remarks,
    is_cf: bool,
) -> bool:
    """Whether the values are to be divided by the scale, by what the file shows.

    CF's `scale_factor` multiplies. ENVI's "reflectance scale factor" divides, and so does the
    `Scale_Factor` of NEON and others: a number above 1 on whole numbers, which are whole because
    they were multiplied by it.
    """
    about = f"its {name} {shown(found)}"
    if plain_name(name) in _DIVISORS:
        if np.any(found < 1):
            remarks.doubts.append(f"{about} divides, as that name says, although it is below 1")
        else:
            remarks.notes.append(f"{about} divides, as that name says")
        return True
    if not np.all(found > 1) or plain_name(name) in _GAINS:
        return False
    whole = _are_whole(values)
    if name == "scale_factor":
        if whole and not is_cf and _speaks_against_cf(attributes):
            remarks.doubts.append(
                f"{about} is taken to divide: it is above 1, the values are whole numbers and the "
                "other attributes are not those of CF or say reflectance"
            )
            return True
        if whole and np.any(found >= _RARE):
            remarks.doubts.append(
                f"{about} multiplies, as CF says, which is rare for so great a number on whole "
                "numbers"
            )
        return False
    if whole:
        remarks.notes.append(f"{about} divides: it is above 1 and the values are whole numbers")
        return True
    remarks.doubts.append(f"{about} is taken to multiply, since the values are no whole numbers")
    return False


def _speaks_against_cf(attributes: Mapping[str, Any]) -> bool:
    """Whether fill values are spelled as CF never does, or the units bound what is scaled."""
    fills = {plain_name(name).removesuffix("s") for name in attributes} & set(FILLS)
    units = [text(v) for name, v in attributes.items() if plain_name(name) in ("unit", "units")]
    is_reflectance = any("reflectance" in unit.lower() for unit in units)
    return is_reflectance or (bool(fills) and fills.isdisjoint(CF_FILLS))


def _are_whole(values: np.ndarray | StoredNumbers) -> bool:
    if values.dtype.kind in "iub":
        return True
    if values.dtype.kind != "f":
        return False
    # A sample of every axis is enough to see it and does not need the cube's memory again.
    sample = values[tuple(slice(None, None, size // 32 + 1) for size in values.shape)]
    finite = sample[np.isfinite(sample)]
    return bool(finite.size) and bool(np.all(finite == np.rint(finite)))


def _unknown_scales(attributes: Mapping[str, Any], remarks: Remarks) -> None:
    """A doubt about numbers whose names speak of a scale, such as MODIS's `radiance_scales`."""
    for name, value in attributes.items():
        speaks = re.search(r"(scales?|gains?|scalefactors?)$", plain_name(name))
        if speaks and (found := numbers(value)) is not None and not np.all(found == 1):
            remarks.doubts.append(f"its attribute {name} is not understood and not applied")


def read_offset(
    attributes: Mapping[str, Any], bands: Collection[int], remarks: Remarks
) -> tuple[float, ...]:
    """One a band: what is added to the scaled number."""
    name = _chosen(attributes, _OFFSETS, "add_offset", remarks)
    found = None if name is None else _one_a_band(name, attributes[name], bands, remarks)
    return (0.0,) if found is None else tuple(found.tolist())
