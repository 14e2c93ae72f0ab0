"""Finds which of a scene's files exist, without reading them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bdgf.core.digests import file_digest
from bdgf.scenes.config import SceneConfig
from bdgf.scenes.readers.zarr_folder import is_zarr_store
from bdgf.scenes.scene import LABELS, OFFICIAL_TEST, OFFICIAL_TRAIN
from bdgf.scenes.sources import Source

_PATTERN = "*?["


@dataclass(frozen=True)
class ItemFiles:
    """The files of one array of a scene.

    Attributes:
        item: The modality or label map.
        wanted: The files of each alternative, in words; none where the user names them.
        paths: Those of the first alternative that is all there; none where none is.
        optional: Whether the scene does without.
    """

    item: str
    wanted: tuple[str, ...]
    paths: tuple[Path, ...]
    optional: bool

    @property
    def is_missing(self) -> bool:
        """Whether the scene cannot be read for want of it."""
        return not self.paths and not self.optional


def find_scene_files(config: SceneConfig, folders: Sequence[Path]) -> list[ItemFiles]:
    """Looks for the files of every array of a scene.

    Args:
        config: The scene's configuration.
        folders: Where its files are looked for, in order.

    Returns:
        One entry an array; none for a fabricated scene.
    """
    arrays = {
        **config.modalities,
        LABELS: config.labels,
        OFFICIAL_TRAIN: config.official_train,
        OFFICIAL_TEST: config.official_test,
    }
    return [
        ItemFiles(
            item,
            tuple(source.describe() for source in array.sources),
            next(filter(None, (_paths(source, folders) for source in array.sources)), ()),
            array.optional,
        )
        for item, array in arrays.items()
        if array is not None
    ]


def _paths(source: Source, folders: Sequence[Path]) -> tuple[Path, ...]:
    """The files of an alternative; none unless all are there."""
    found: list[Path] = []
    for name in source.file:
        paths = _find(name, folders)
        if not paths:
            return ()
        found += paths
    return tuple(found)


def is_raw_file(path: Path) -> bool:
    """Whether a path is one of a raw file that is there; a Zarr store, a folder, counts as one."""
    return path.is_file() or is_zarr_store(path)


def raw_size(path: Path) -> int:
    """Bytes of a raw file; of a Zarr store those of all its files."""
    return sum(file.stat().st_size for file in _parts(path))


def raw_digest(path: Path) -> str:
    r"""SHA-256 of a raw file.

    Of a Zarr store it is that of the list of its files, as this command prints it:
    `find . -type f | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum`.
    """
    if not is_zarr_store(path):
        return file_digest(path)
    lines = (f"{file_digest(file)}  ./{file.relative_to(path)}\n" for file in _parts(path))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _parts(path: Path) -> list[Path]:
    if not is_zarr_store(path):
        return [path]
    inside = (file for file in path.rglob("*") if file.is_file() and not file.is_symlink())
    return sorted(inside, key=lambda file: os.fsencode(file.relative_to(path)))


def _find(name: str, folders: Sequence[Path]) -> list[Path]:
    for folder in folders:
        if is_raw_file(folder / name):
            return [folder / name]
        if any(sign in name for sign in _PATTERN) and not Path(name).is_absolute():
            paths = sorted(path for path in folder.glob(name) if is_raw_file(path))
            if paths:
                return paths
    return []
