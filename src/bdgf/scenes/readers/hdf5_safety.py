"""Checks HDF5 files for external data and cyclic links before they are read.

HDF5 follows external links, virtual datasets and external storage to any file, silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.reading_limits import check_declared
from bdgf.scenes.readers.references import check_inside, shortened

if TYPE_CHECKING:
    import h5py

_DEEPEST = 8  # files that refer to files
_REFERENCE = 16  # bytes of a reference or of text of any length, as they lie in memory
_PATTERN = re.compile(r"%\d*b")  # a virtual dataset's pattern of file names


def check_links(path: Path, file: h5py.File, _above: tuple[Path, ...] = ()) -> None:
    """Checks every link and dataset of a file, and of those inside that it refers to.

    Args:
        path: The file, for messages.
        file: The same, open.

    Raises:
        SceneError: Something of it lies outside the scene's folders.
    """
    import h5py

    here = Path(path.absolute())
    if len(_above) > _DEEPEST:
        raise SceneError(f"{path} refers to files that refer to files, without an end")
    targets: set[Path] = set()
    for found in _walk(file):
        if found.external is not None:
            what = f"its external link '{shortened(found.name)}'"
            targets.add(_other_file(path, found.external, what))
        elif isinstance(found.node, h5py.h5d.DatasetID) and not found.soft:
            targets |= check_storage(path, h5py.Dataset(found.node))
    for target in targets - {here, *_above}:
        if target.is_file() and h5py.is_hdf5(target):
            with h5py.File(target, "r") as other:
                check_links(target, other, (*_above, here))


def check_groups(path: Path, file: h5py.File) -> None:
    """Checks that no group lies within itself: a NetCDF file's groups are walked one by one.

    Raises:
        SceneError: A group can be reached in two ways.
    """
    import h5py

    seen = {h5py.h5o.get_info(file["/"].id).addr}
    for found in _walk(file):
        if not isinstance(found.node, h5py.h5g.GroupID):
            continue
        address = h5py.h5o.get_info(found.node).addr
        if found.soft or address in seen:
            raise SceneError(
                f"{path}: its group '{shortened(found.name)}' can be reached in two ways, which "
                "NetCDF does not know; give the file the suffix .h5, or save the image to a file "
                "of its own"
            )
        seen.add(address)


@dataclass(frozen=True)
class _Found:
    """A link: where it leads to, as h5py's low level has it, or the name of another file."""

    name: str
    node: Any = None
    soft: bool = False
    external: str | None = None


def _walk(file: h5py.File) -> Iterator[_Found]:
    """All links of a file, those of each group once; names need not be text."""
    import h5py

    groups, seen = [file["/"].id], set()
    while groups:
        group = groups.pop()
        address = h5py.h5o.get_info(group).addr
        if address in seen:
            continue
        seen.add(address)
        for raw in group:
            name, kind = raw.decode("utf-8", "replace"), group.links.get_info(raw).type
            if kind == h5py.h5l.TYPE_EXTERNAL:
                other = group.links.get_val(raw)[0]
                yield _Found(name, external=other.decode("utf-8", "surrogateescape"))
                continue
            soft = kind != h5py.h5l.TYPE_HARD
            try:
                node = h5py.h5o.open(group, raw)
            except (KeyError, OSError, RuntimeError):  # a link to nowhere, or damaged
                continue
            yield _Found(name, node, soft)
            if not soft and isinstance(node, h5py.h5g.GroupID):
                groups.append(node)


def check_storage(path: Path, dataset: h5py.Dataset) -> set[Path]:
    """Checks where a dataset's numbers lie; the other files that they lie in.

    Raises:
        SceneError: They lie outside the scene's folders.
    """
    what = f"its dataset '{shortened(str(dataset.name))}'"
    for name, _, _ in dataset.external or ():
        text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
        # HDF5 takes such names from the working folder.
        check_inside(path, text, Path.cwd(), what)
    if not dataset.is_virtual:
        return set()
    names = {source.file_name for source in dataset.virtual_sources()} - {"."}
    targets = set()
    for name in names:
        if _PATTERN.search(name.replace("%%", "")):
            raise SceneError(
                f"{path}: {what} is spread over files of a pattern ('{shortened(name)}'), which "
                "is not read; save it whole, as by h5repack"
            )
        targets.add(_other_file(path, name.replace("%%", "%"), what))
    return targets


def _other_file(path: Path, name: str, what: str) -> Path:
    """A file that HDF5 looks for beside the first one, and then in the working folder."""
    beside = check_inside(path, name, path.parent, what)
    if not beside.is_file() and Path(name).is_file():
        return check_inside(path, name, Path.cwd(), what)
    return beside


def check_size(path: Path, dataset: h5py.Dataset) -> None:
    """Checks the size that a dataset declares.

    Raises:
        SceneError: It is more than the limit.
    """
    item = max(dataset.dtype.itemsize, _REFERENCE if dataset.dtype.kind == "O" else 1)
    what = f"its dataset '{shortened(str(dataset.name))}'"
    check_declared(path, what, dataset.shape or (), item)
