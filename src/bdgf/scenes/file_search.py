"""Finds which of a scene's files exist, without reading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bdgf.scenes.config import SceneConfig
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


def _find(name: str, folders: Sequence[Path]) -> list[Path]:
    for folder in folders:
        if (folder / name).is_file():
            return [folder / name]
        if any(sign in name for sign in _PATTERN) and not Path(name).is_absolute():
            paths = sorted(path for path in folder.glob(name) if path.is_file())
            if paths:
                return paths
    return []
