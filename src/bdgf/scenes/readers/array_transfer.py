"""A raw array as bytes in a file, from the process that reads it to the one that asked.

The bytes are untrusted: the header is JSON, the numbers are plain bytes, and nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import IO, Any

import numpy as np

from bdgf.scenes.readers.raw_array import RawArray

_LENGTH = 8  # bytes of the header's own length, at the file's start
_ALIGNED = 64  # bytes; numbers begin at multiples of it
_DTYPE = re.compile(r"[<>|][biufc]\d{1,2}")
_ARRAYS = ("values", "masked")
_MAPPINGS = ("value_names", "palette")
_MOST_HEADER = 2**30  # bytes


class TransferError(ValueError):
    """What was handed over is no array."""


def write_array(array: RawArray, file: IO[bytes]) -> None:
    """Writes an array for `read_written`."""
    said = {f.name: getattr(array, f.name) for f in fields(array)}
    parts = {name: _in_memory_order(said.pop(name)) for name in _ARRAYS if said[name] is not None}
    said |= dict.fromkeys(_ARRAYS)
    said |= {name: _pairs(said[name]) for name in _MAPPINGS}
    said["bad_bands"] = sorted(said["bad_bands"])
    said["crs"] = None if array.crs is None else _wkt(array.crs)
    said["transform"] = None if array.transform is None else list(array.transform)[:6]
    described = {
        name: {"dtype": plain.dtype.str, "shape": plain.shape, "order": order}
        for name, (plain, order) in parts.items()
    }
    write_header(file, {"array": said, "parts": described})
    for plain, _ in parts.values():
        file.seek(_next_start(file.tell()))
        if plain.size:
            file.write(plain.reshape(-1).view(np.uint8).data)


def write_header(file: IO[bytes], said: Mapping[str, Any]) -> None:
    """Writes the JSON at the file's start, by itself where there is no array."""
    header = json.dumps(said, default=_plain).encode("ascii")
    file.write(len(header).to_bytes(_LENGTH, "little") + header)


def read_header(file: IO[bytes]) -> dict[str, Any]:
    """The JSON at the file's start.

    Raises:
        TransferError: There is none.
    """
    file.seek(0)
    length = int.from_bytes(file.read(_LENGTH), "little")
    if not 0 < length <= min(_MOST_HEADER, os.fstat(file.fileno()).st_size - _LENGTH):
        raise TransferError("there is no header")
    try:
        said = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:
        raise TransferError("the header is not JSON") from error
    if not isinstance(said, dict):
        raise TransferError("the header is not a mapping")
    return said


def read_written(file: IO[bytes], said: Mapping[str, Any]) -> RawArray:
    """The array behind a header; its numbers stay in the file's memory and are not copied.

    Args:
        file: The file, just behind its header.
        said: What `read_header` gave.

    Raises:
        TransferError: The header does not describe what the file holds.
    """
    try:
        given, parts = dict(said["array"]), dict(said["parts"])
        arrays, end = {}, file.tell()
        for name in _ARRAYS:
            if name in parts:
                arrays[name], end = _array(file, parts[name], _next_start(end))
        return RawArray(**{**_converted(given), **arrays})
    except (AttributeError, KeyError, LookupError, TypeError, ValueError) as error:
        raise TransferError(f"the header does not fit ({error})") from error


def _array(file: IO[bytes], part: Mapping[str, Any], start: int) -> tuple[np.ndarray, int]:
    """An array in the file's memory, and where it ends."""
    if not _DTYPE.fullmatch(part["dtype"]):
        raise TransferError(f"{part['dtype']!r} are no numbers")
    dtype, shape, order = np.dtype(part["dtype"]), tuple(part["shape"]), tuple(part["order"])
    if not all(type(n) is int and n >= 0 for n in shape) or sorted(order) != [*range(len(shape))]:
        raise TransferError("sizes or axes are none")
    count, size = math.prod(shape), os.fstat(file.fileno()).st_size
    end = start + count * dtype.itemsize
    if count and end > size:
        raise TransferError("there are fewer numbers than told")
    plain = np.empty(shape, dtype)
    if count:
        memory = mmap.mmap(file.fileno(), size)
        plain = np.frombuffer(memory, dtype, count, start).reshape(shape)
    return plain.transpose(np.argsort(order)), end


def _in_memory_order(array: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """An array without gaps, and its axes in the order in which they lie in memory.

    Sums over an array depend on that order in the last bit, so it is kept.
    """
    order = tuple(int(i) for i in np.argsort([-abs(s) for s in array.strides], kind="stable"))
    return np.ascontiguousarray(array.transpose(order)), order


def _next_start(place: int) -> int:
    return -(-place // _ALIGNED) * _ALIGNED


def _pairs(mapping: Mapping[Any, Any] | None) -> list[list[Any]] | None:
    """JSON's names are text, so a mapping from numbers goes as pairs."""
    return None if mapping is None else [[key, value] for key, value in mapping.items()]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be handed over")


def _wkt(crs: Any) -> str:
    """A text that makes the same system again; the older kind leaves some things out."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        older = str(crs.to_wkt())
        if CRS.from_wkt(older) == crs:
            return older
    except CRSError:
        pass
    return str(crs.to_wkt(version="WKT2_2019"))


def _converted(given: dict[str, Any]) -> dict[str, Any]:
    """Lists as the tuples, sets, mappings and objects that a `RawArray` holds."""
    made = {name: _tuples(value) for name, value in given.items()}
    made["bad_bands"] = frozenset(made["bad_bands"])
    for name in _MAPPINGS:
        made[name] = None if made[name] is None else dict(made[name])
    if made["crs"] is not None:
        from rasterio.crs import CRS

        made["crs"] = CRS.from_wkt(made["crs"])
    if made["transform"] is not None:
        from affine import Affine

        made["transform"] = Affine(*made["transform"])
    return made


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
