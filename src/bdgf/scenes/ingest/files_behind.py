"""All files of a scene: those it names, and those that belong to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.readers.vrt import vrt_sources
from bdgf.scenes.readers.zarr_folder import is_zarr_store


def paths_of(found: FoundArray[Any]) -> Iterator[Path]:
    """The files of a layer, all its tiles included."""
    yield from found.paths
    yield from (tile.path for tile in found.tiles)


def files_behind(paths: Iterable[Path]) -> list[tuple[str, int, int]]:
    """Name, size and time of each file, and of those that belong to it, sorted.

    These are the files of the same name with other or further suffixes beside it: the header of an
    ENVI image, the parts of a shapefile, the mask, the world file and the metadata of a raster
    (`a.hdr`, `a.tif.msk`, `a.tif.aux.xml`); the sources of a VRT with theirs; and of a Zarr store
    the files in it.

    Args:
        paths: The files that the scene names.
    """
    found: dict[str, tuple[int, int]] = {}
    folders: dict[Path, dict[str, list[Path]]] = {}
    waiting, seen = list(dict.fromkeys(paths)), set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if path.parent not in folders:
            folders[path.parent] = _by_beginning(path.parent)
        beside = folders[path.parent]
        inside = path.rglob("*") if is_zarr_store(path) else ()
        for file in (path, *inside, *beside.get(path.stem, ()), *beside.get(path.name, ())):
            if file.is_file():
                state = file.stat()
                found[str(file.resolve())] = (state.st_size, state.st_mtime_ns)
        if path.suffix.lower() == ".vrt":
            waiting += vrt_sources(path)
    return sorted((name, *state) for name, state in found.items())


def _by_beginning(folder: Path) -> dict[str, list[Path]]:
    """The files of a folder by the part of their names before any dot."""
    found: dict[str, list[Path]] = {}
    for path in folder.iterdir():
        parts = path.name.split(".")
        for count in range(1, len(parts)):
            found.setdefault(".".join(parts[:count]), []).append(path)
    return found
