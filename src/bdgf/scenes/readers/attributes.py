"""Attributes of an HDF5 or NetCDF variable that describe its numbers.

Names are compared without case, spaces, underscores and hyphens, since every producer spells them
in its own way. Whatever cannot be understood becomes a doubt, never an error: the numbers can be
read without it, but a user should look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bdgf.scenes.readers.attribute_values import Remarks, numbers, plain_name, shown, text
from bdgf.scenes.readers.chunk_windows import StoredNumbers
from bdgf.scenes.readers.scale_attributes import FILLS, read_offset, read_scale


@dataclass(frozen=True)
class Packing:
    """How stored numbers are meant; the fields are those of `RawArray`."""

    nodata: tuple[tuple[float, ...], ...] = ((),)
    valid_range: tuple[float, float] | None = None
    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    units: str = ""

    def fields(self) -> dict[str, Any]:
        """The fields by name, for `RawArray`."""
        return dict(vars(self))

    def with_nodata(self, nodata: tuple[float, ...]) -> Packing:
        """The same with these numbers as nodata."""
        return replace(self, nodata=(nodata,))


def as_meant(
    values: np.ndarray, attributes: Mapping[str, Any]
) -> tuple[np.ndarray, dict[str, Any]]:
    """The values and the attributes about them as `_Unsigned` says, the bytes unchanged.

    NetCDF 3 has no unsigned types but this attribute, and its fill values are signed too.
    """
    said = text(attributes.get("_Unsigned")).lower()
    dtype = values.dtype
    kind = {("true", "i"): "u", ("false", "u"): "i"}.get((said, dtype.kind))
    if kind is None:
        return values, dict(attributes)
    meant = np.dtype(f"{kind}{dtype.itemsize}").newbyteorder(dtype.byteorder)
    changed = {
        name: _wrapped(value, meant)
        if _fill_name(name) in (*FILLS, "validrange", "validmin", "validmax")
        else value
        for name, value in attributes.items()
    }
    return values.view(meant), changed


def _wrapped(value: Any, dtype: np.dtype) -> Any:
    """Whole numbers as `dtype` shows their bytes: -1 is 255; anything else as it is."""
    declared = numbers(value)
    if declared is None or not np.all(np.isfinite(declared)):
        return value
    if np.any(declared != np.floor(declared)):
        return value
    limits, cycle = np.iinfo(dtype), 1 << 8 * dtype.itemsize
    exact = [int(number) for number in declared]
    exact = [n + cycle if n < limits.min else n - cycle if n > limits.max else n for n in exact]
    fits = all(limits.min <= n <= limits.max for n in exact)
    return np.array(exact, dtype) if fits else value


def _fill_name(name: object) -> str:
    return plain_name(name).removesuffix("s")


def read_packing(
    attributes: Mapping[str, Any],
    values: np.ndarray | StoredNumbers,
    bands: Collection[int],
    remarks: Remarks,
    is_cf: bool = False,
) -> Packing:
    """Nodata, scale, offset, valid range and units of a variable.

    Args:
        attributes: The variable's attributes, by their own names.
        values: The stored numbers of the whole variable, already as `as_meant` gives them; those
            that stay in their file are read as far as they tell something.
        bands: Numbers that the bands may have: one, or each length of an axis without a name.
        remarks: Takes notes and doubts.
        is_cf: Whether the file keeps to CF, so that `scale_factor` surely multiplies.
    """
    scale = read_scale(attributes, values, bands, remarks, is_cf)
    offset = read_offset(attributes, bands, remarks)
    nodata = _nodata(attributes, values.dtype, remarks)
    valid = _valid_range(attributes, values, scale, offset, nodata, remarks)
    named = (value for name, value in attributes.items() if plain_name(name) in ("units", "unit"))
    units = next(filter(None, map(text, named)), "")
    return Packing((nodata,), valid, scale, offset, units)


def _nodata(attributes: Mapping[str, Any], dtype: np.dtype, remarks: Remarks) -> tuple[float, ...]:
    """All numbers that mean "no data", in the dtype of the variable."""
    found: list[float] = []
    for name, value in attributes.items():
        if _fill_name(name) not in FILLS:
            continue
        declared = numbers(value)
        if declared is None:
            remarks.doubts.append(f"its {name} '{shown(value)}' is no number and hides nothing")
            continue
        for number in declared:
            if np.isnan(number):  # NaN is no data anyhow
                continue
            stored = _stored(number, dtype)
            if stored is None:
                remarks.doubts.append(f"its {name} {number:g} does not fit {dtype.name} values")
            else:
                found.append(stored)
    return tuple(dict.fromkeys(found))


def _stored(number: float, dtype: np.dtype) -> float | None:
    """The number as the variable's dtype holds it, None if it cannot."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):  # GDAL's -1.8e308 on float32: stored as -inf
            return float(np.asarray(number).astype(dtype))
    if dtype.kind not in "iub":
        return float(number)
    limits = np.iinfo(np.uint8 if dtype.kind == "b" else dtype)
    if not np.isfinite(number) or number != np.floor(number):
        return None
    exact = int(number)
    return float(exact) if limits.min <= exact <= limits.max else None


def _valid_range(
    attributes: Mapping[str, Any],
    values: np.ndarray | StoredNumbers,
    scale: tuple[float, ...],
    offset: tuple[float, ...],
    nodata: tuple[float, ...],
    remarks: Remarks,
) -> tuple[float, float] | None:
    """Least and greatest stored number that is data."""
    found, names, dtypes = _limits(attributes, remarks)
    if not names:
        return None
    about = " and ".join(f"its {name}" for name in names)
    if found[0] > found[1]:
        remarks.doubts.append(f"{about} leaves nothing valid and is not applied")
        return None
    is_packed = (scale, offset) != ((1.0,), (0.0,))
    if not is_packed or all(_same_type(dtype, values.dtype) for dtype in dtypes):
        return found
    if len(scale) > 1 or len(offset) > 1:
        remarks.doubts.append(f"{about} is not of the type of the values and is not applied")
        return None
    ends = sorted((limit - offset[0]) / scale[0] for limit in found)
    unpacked = (ends[0], ends[1])
    # NetCDF: limits of the stored type are about stored numbers, those of the wider type of the
    # scale about scaled ones. Whole limits of another whole type come from careless writers.
    if values.dtype.kind in "iub" and any(dtype.kind == "f" for dtype in dtypes):
        remarks.notes.append(f"{about} is taken as scaled values, by its type")
        return unpacked
    if _share(values, found, nodata) < 0.01 <= _share(values, unpacked, nodata):
        remarks.doubts.append(f"{about} is taken as scaled values: no stored number lies in it")
        return unpacked
    return found


def _limits(
    attributes: Mapping[str, Any], remarks: Remarks
) -> tuple[tuple[float, float], list[str], list[np.dtype]]:
    """The limits as they are written, and the names and dtypes of the attributes they are from."""
    low, high = -np.inf, np.inf
    names, dtypes = [], []
    sizes = {"validrange": 2, "validmin": 1, "validmax": 1}
    for name, value in attributes.items():
        plain = plain_name(name)
        if plain not in sizes:
            continue
        found = numbers(value)
        if found is None or len(found) != sizes[plain] or np.any(np.isnan(found)):
            remarks.doubts.append(f"its {name} '{shown(value)}' is no range and is not applied")
            continue
        low = low if plain == "validmax" else float(found[0])
        high = high if plain == "validmin" else float(found[-1])
        names.append(str(name))
        dtypes.append(found.dtype)
    return (low, high), names, dtypes


def _share(
    values: np.ndarray | StoredNumbers, limits: tuple[float, float], nodata: tuple[float, ...]
) -> float:
    """The share of the values that is data and lies within the limits, of a sample."""
    sample = values[tuple(slice(None, None, size // 64 + 1) for size in values.shape)]
    data = sample[~np.isin(sample, nodata)]
    inside = (data >= limits[0]) & (data <= limits[1])
    return float(inside.mean()) if data.size else 0.0


def _same_type(one: np.dtype, other: np.dtype) -> bool:
    """Whether two dtypes are one but for the order of their bytes."""
    return (one.kind, one.itemsize) == (other.kind, other.itemsize)
