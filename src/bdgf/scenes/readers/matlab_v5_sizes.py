"""Checks the sizes declared in a MATLAB 5 file before SciPy allocates memory for them.

Cells and structs are traversed; numbers are skipped. Anything else is left to SciPy's
reader, which reports the error.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.reading_limits import check_declared

_HEADER = 128  # bytes before the first element
_MATRIX, _COMPRESSED = 14, 15  # types of elements
_CELL, _STRUCT, _OBJECT, _SPARSE = 1, 2, 3, 5  # classes of arrays
_COMPLEX = 0x800
_TAG = 8  # bytes before an element's own, and what its length is a multiple of
_ITEM_SIZES = {4: 4, 5: 8, 6: 8, 7: 4, 8: 1, 9: 1, 10: 2, 11: 2, 12: 4, 13: 4, 14: 8, 15: 8}
_POINTER = 8
_MOST_WITHOUT_FIELDS = 1000  # structs that have no fields, and so no bytes in the file
_MOST_DIMENSIONS = 64
_DEEPEST = 50  # cells in cells; SciPy's reader calls itself for each
_CHUNK = 1 << 16


class _Unclear(Exception):  # noqa: N818 - no error: the file is left to SciPy
    """The file cannot be followed."""


class _Bytes(Protocol):
    def read(self, count: int) -> bytes: ...

    def skip(self, count: int) -> None: ...


class _Array(NamedTuple):
    kind: int
    complex: bool
    sizes: tuple[int, ...]
    name: str


def check_sizes(path: Path, variable: str) -> None:
    """Checks all that one top-level variable declares.

    Args:
        path: A .mat file of version 5; one of version 4 is passed over.
        variable: The variable's name.

    Raises:
        SceneError: More is declared than the limit, or than the file can hold.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
            order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
            if order is not None:
                _Walk(path, order).check(file, variable, path.stat().st_size)
    except (_Unclear, OverflowError, struct.error, zlib.error):
        return


class _Walk:
    """Walks the elements of one file.

    Attributes:
        path: The file, for messages.
        order: Order of its bytes, as of `struct`.
    """

    def __init__(self, path: Path, order: str) -> None:
        self.path, self.order = path, order

    def check(self, file: IO[bytes], variable: str, size: int) -> None:
        place = _HEADER
        while place + _TAG <= size:
            file.seek(place)
            kind, count = struct.unpack(self.order + "II", file.read(_TAG))
            place += _TAG + count
            held: int | None = min(count, size - file.tell())
            source: _Bytes = _Plain(file)
            if kind == _COMPRESSED:
                source, held = _Inflated(file, count), None
                kind, _ = struct.unpack(self.order + "II", source.read(_TAG))
            if kind == _MATRIX and (array := self._array(source)).name == variable:
                self._check(source, array, held, 0)

    def _tag(self, source: _Bytes) -> tuple[int, int, bytes | None]:
        """Type, length and, of a short element, the bytes themselves."""
        tag = source.read(_TAG)
        kind, count = struct.unpack(self.order + "II", tag)
        if kind >> 16:  # up to 4 bytes lie within the tag
            short = kind >> 16
            return kind & 0xFFFF, short, tag[4 : 4 + min(short, 4)]
        return kind, count, None

    def _content(self, source: _Bytes, most: int) -> bytes:
        _, count, short = self._tag(source)
        if short is not None:
            return short
        if count > most:
            raise _Unclear
        content = source.read(count)
        source.skip(-count % _TAG)
        return content

    def _pass_over(self, source: _Bytes) -> int:
        """The bytes of an element that was passed over."""
        _, count, short = self._tag(source)
        if short is None:
            source.skip(count + -count % _TAG)
        return count

    def _array(self, source: _Bytes) -> _Array:
        flags = self._content(source, _TAG)
        (word,) = struct.unpack(self.order + "I", flags[:4])
        lengths = self._content(source, 4 * _MOST_DIMENSIONS)
        sizes = struct.unpack(f"{self.order}{len(lengths) // 4}i", lengths)
        name = self._content(source, _CHUNK).decode("latin-1").rstrip("\0")
        return _Array(word & 0xFF, bool(word & _COMPLEX), sizes, name)

    def _check(self, source: _Bytes, array: _Array, held: int | None, depth: int) -> None:
        if depth > _DEEPEST:
            raise SceneError(
                f"{self.path} nests cells or structs over {_DEEPEST} deep, which is not read; save "
                "the image as a separate variable"
            )
        what = f"its array '{array.name}'" if array.name else "an array in it"
        if array.kind in (_CELL, _STRUCT, _OBJECT):
            self._check_elements(source, array, held, depth, what)
        elif array.kind in _ITEM_SIZES or array.kind == _SPARSE:
            item = _ITEM_SIZES.get(array.kind, 8) * (1 + array.complex)
            check_declared(self.path, what, array.sizes, item)
            if depth:  # nothing follows that is of interest behind a top-level array
                parts = (1 + array.complex) + 2 * (array.kind == _SPARSE)
                for _ in range(parts):
                    self._pass_over(source)
        else:
            raise _Unclear

    def _check_elements(
        self, source: _Bytes, array: _Array, held: int | None, depth: int, what: str
    ) -> None:
        fields = 1
        if array.kind != _CELL:
            if array.kind == _OBJECT:
                self._pass_over(source)  # the class's name
            length = self._content(source, 4)
            (width,) = struct.unpack(self.order + "i", length[:4])
            names = self._content(source, 1 << 20)
            fields = len(names) // width if width > 0 else 0
        count = 1
        for size in array.sizes:
            count *= size
        if not fields:
            if count > _MOST_WITHOUT_FIELDS:
                raise SceneError(
                    f"{self.path}: {what} declares {count} structs without fields; the file is "
                    "damaged: copy or download it again"
                )
            return
        # Each element has a tag of its own in the file.
        check_declared(self.path, what, (*array.sizes, fields), _POINTER, held)
        for _ in range(count * fields):
            kind, held_here, _ = self._tag(source)
            if kind != _MATRIX:
                raise _Unclear
            if held_here:
                self._check(source, self._array(source), held, depth + 1)


class _Plain:
    """The bytes of a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, count: int) -> bytes:
        found = self._file.read(count)
        if len(found) < count:
            raise _Unclear
        return found

    def skip(self, count: int) -> None:
        self._file.seek(count, 1)


class _Inflated:
    """The bytes of a compressed element, inflated piece by piece."""

    def __init__(self, file: IO[bytes], count: int) -> None:
        self._file, self._left = file, count
        self._inflate = zlib.decompressobj()
        self._ready = b""

    def read(self, count: int) -> bytes:
        while len(self._ready) < count:
            if not (more := self._more()):
                raise _Unclear
            self._ready += more
        found, self._ready = self._ready[:count], self._ready[count:]
        return found

    def skip(self, count: int) -> None:
        while count > len(self._ready):
            count -= len(self._ready)
            if not (more := self._more()):
                raise _Unclear
            self._ready = more
        self._ready = self._ready[count:]

    def _more(self) -> bytes:
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail
            if not packed and self._left:
                packed = self._file.read(min(self._left, _CHUNK))
                self._left -= len(packed)
            if not packed:
                return b""
            if found := self._inflate.decompress(packed, _CHUNK):
                return found
        return b""
