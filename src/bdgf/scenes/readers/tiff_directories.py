"""The directories of a TIFF file: its pages, with their masks and smaller copies.

GDAL lists the pages alone, and finds the n-th only by walking through all before it; by its place
in the file it opens one at once.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

_WIDTH, _LENGTH, _KIND = 256, 257, 254
_REDUCED, _MASK = 1, 4
_FORMATS = {3: "H", 4: "I", 16: "Q"}  # by the type of a field
_MOST = 65536  # fields of a sound directory


class Directory(NamedTuple):
    """One directory: its place in the file, its size, and whether it belongs to another one.

    Attributes:
        place: Bytes from the file's start.
        rows: Of the image.
        columns: Of the image.
        reduced: Whether it is a smaller copy of another.
        mask: Whether it is the mask of another.
    """

    place: int
    rows: int
    columns: int
    reduced: bool
    mask: bool


def directories(path: Path) -> list[Directory]:
    """All directories of a file in its main chain; [] where the file is no sound TIFF."""
    found: list[Directory] = []
    try:
        with path.open("rb") as file:
            head = file.read(16)
            order = {b"II": "<", b"MM": ">"}[head[:2]]
            big = struct.unpack(order + "H", head[2:4])[0] == 43
            place = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)[0]
            seen = {0}  # behind the last directory; a damaged chain may lead in circles
            while place not in seen:
                seen.add(place)
                directory, place = _read(file, place, order, big)
                found.append(directory)
    except (OSError, KeyError, OverflowError, ValueError, struct.error):
        return []
    return found


def _read(file: BinaryIO, place: int, order: str, big: bool) -> tuple[Directory, int]:
    """The directory at `place`, and the place of the next one, 0 behind the last."""
    file.seek(place)
    count_format, entry_size, place_format = ("Q", 20, "Q") if big else ("H", 12, "I")
    (count,) = struct.unpack(order + count_format, file.read(struct.calcsize(count_format)))
    if count > _MOST:
        raise struct.error("too many fields")
    entries = file.read(count * entry_size)
    (following,) = struct.unpack(order + place_format, file.read(struct.calcsize(place_format)))
    fields = {}
    for start in range(0, len(entries), entry_size):
        tag, kind = struct.unpack_from(order + "HH", entries, start)
        if tag in (_WIDTH, _LENGTH, _KIND) and kind in _FORMATS:
            (fields[tag],) = struct.unpack_from(
                order + _FORMATS[kind], entries, start + (12 if big else 8)
            )
    flags = fields.get(_KIND, 0)
    sizes = fields.get(_LENGTH, 0), fields.get(_WIDTH, 0)
    directory = Directory(place, *sizes, bool(flags & _REDUCED), bool(flags & _MASK))
    return directory, following
