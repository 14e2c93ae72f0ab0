"""Polygons and points as bytes in a file, from the process that reads them to the one that asked.

As of arrays (`array_transfer`) nothing is believed or unpickled: JSON, then the shapes end to end.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import IO, Any

from bdgf.scenes.readers.array_transfer import TransferError, write_header
from bdgf.scenes.readers.vectors import Vectors


def write_vectors(vectors: Vectors, file: IO[bytes]) -> None:
    """Writes vectors for `read_written_vectors`."""
    said = {
        "sizes": [len(shape) for shape in vectors.shapes],
        "classes": vectors.classes,
        "crs": vectors.crs,
    }
    write_header(file, {"vectors": said})
    file.writelines(vectors.shapes)


def read_written_vectors(file: IO[bytes], said: Mapping[str, Any]) -> Vectors:
    """The vectors behind a header.

    Args:
        file: The file, just behind its header.
        said: What `read_header` gave.

    Raises:
        TransferError: The header does not describe what the file holds.
    """
    try:
        given = said["vectors"]
        sizes, classes, crs = list(given["sizes"]), tuple(given["classes"]), given["crs"]
        if not all(type(size) is int and size >= 0 for size in sizes):
            raise TransferError("sizes are none")
        if not all(one is None or type(one) in (str, float, int) for one in classes):
            raise TransferError("classes are none")
        if crs is not None and type(crs) is not str:
            raise TransferError("the reference system is not text")
        content = file.read()
        if len(content) != sum(sizes):
            raise TransferError("there are fewer or more shapes than told")
        ends = list(accumulate(sizes))
        shapes = tuple(content[e - n : e] for n, e in zip(sizes, ends, strict=True))
        return Vectors(shapes, classes, crs)
    except (KeyError, TypeError, ValueError) as error:
        raise TransferError(f"the header does not fit ({error})") from error
