"""The frame of an unfinished cube: all bytes of its HDF5 file except the values.

HDF5 may crash the process on a damaged frame, and a killed extraction would then crash at each new
try. All chunks are allocated before the first tile, so the frame does not change while tiles are
written: its digest is kept beside the file, and is compared before HDF5 opens it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py

from bdgf.core.storage import written_whole

_SUFFIX = ".frame"


def frame_path(path: Path) -> Path:
    """Where the frame of the HDF5 file `path` is kept."""
    return path.with_name(path.name + _SUFFIX)


def write_frame(path: Path) -> None:
    """Keeps the frame of a closed HDF5 file, all of whose datasets are chunked and allocated.

    Raises:
        StorageError: The disk refuses.
    """
    chunks: list[tuple[int, int]] = []

    def collect(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            item.id.chunk_iter(lambda chunk: chunks.append((chunk.byte_offset, chunk.size)))

    with h5py.File(path, "r") as file:
        file.visititems(collect)
    values = _joined(sorted(chunks))
    target = frame_path(path)
    with written_whole(target, target.with_name(target.name + ".part")) as partial:
        partial.write_text(json.dumps({"values": values, "digest": _digest(path, values)}))


def check_frame(path: Path) -> None:
    """Compares an HDF5 file with its stored frame.

    Raises:
        ValueError: It is another, or the one that was kept cannot be read.
    """
    kept = json.loads(frame_path(path).read_text())
    if not isinstance(kept, dict) or _digest(path, kept.get("values")) != kept.get("digest"):
        raise ValueError("what holds its values together is not as it was written")


def _joined(chunks: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    # (offset, size) in ascending order, neighbours as one.
    joined: list[tuple[int, int]] = []
    for offset, size in chunks:
        if joined and sum(joined[-1]) == offset:
            joined[-1] = (joined[-1][0], joined[-1][1] + size)
        else:
            joined.append((offset, size))
    return joined


def _digest(path: Path, values: Any) -> str:
    # Of the bytes between the values, and of where these lie.
    digest = hashlib.sha256(json.dumps([path.stat().st_size, values]).encode())
    end = 0
    with path.open("rb") as file:
        try:
            for offset, size in values:
                file.seek(end)
                digest.update(file.read(max(offset - end, 0)))
                end = offset + size
            file.seek(end)
        except (TypeError, ValueError) as error:
            raise ValueError("its frame cannot be read") from error
        digest.update(file.read())
    return digest.hexdigest()
