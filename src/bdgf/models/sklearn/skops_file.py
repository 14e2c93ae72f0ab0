"""skops files with identical bytes for identical estimators."""

from __future__ import annotations

import io
import re
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np

_SCHEMA = "schema.json"
# Within a text of the schema the second quotation mark would be escaped.
_NAMED = re.compile(r'("__id__": )(\d+)|("file": )"([^"]+)"')


def dump_estimator(content: Any, file: BinaryIO) -> None:
    """Writes what `skops.io.load` reads, the same bytes for the same content.

    skops names objects and arrays by where they lay in memory, and its zip says when it was
    written. Here they are numbered in their order, and the zip has no time. Between the fields of
    a tree's nodes is what happened to be in memory; here it is 0.

    Args:
        content: The estimator, or a mapping or list that holds it.
        file: Takes the bytes.
    """
    from skops.io import dumps

    with ZipFile(io.BytesIO(dumps(content))) as made, ZipFile(file, "w", ZIP_STORED) as written:
        objects: dict[str, str] = {}
        files: dict[str, str] = {}

        def numbered(match: re.Match[str]) -> str:
            if match[2]:
                return match[1] + objects.setdefault(match[2], str(len(objects) + 1))
            name = f"{len(files) + 1}{PurePosixPath(match[4]).suffix}"
            return f'{match[3]}"{files.setdefault(match[4], name)}"'

        schema = _NAMED.sub(numbered, made.read(_SCHEMA).decode())
        for name, number in files.items():
            written.writestr(ZipInfo(number), _without_gaps(made.read(name)))
        written.writestr(ZipInfo(_SCHEMA), schema)


def _without_gaps(stored: bytes) -> bytes:
    """An array of records, as `numpy.save` has it, with 0 between its fields; all else as it is."""
    if not stored.startswith(np.lib.format.MAGIC_PREFIX):
        return stored
    array = np.load(io.BytesIO(stored), allow_pickle=False)
    if not array.dtype.names:
        return stored
    filled = np.zeros(array.shape, array.dtype)  # `zeros_like` would leave the gaps
    for field in array.dtype.names:
        filled[field] = array[field]
    # As it lies in memory: `numpy.save` may copy field by field, with other gaps.
    return stored[: len(stored) - array.nbytes] + filled.tobytes("A")
