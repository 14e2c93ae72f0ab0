"""One folder with all results of a run, to view, zip and send."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from filelock import FileLock

from bdgf.core.storage import writing

LATEST = "latest"
_NEW, _OLD = "part", "old"
_MARK = 8
"""Characters that tell the folders of several writers apart."""


def replace_folder(folder: Path, files: Iterable[Path]) -> None:
    """Makes `folder` hold these files and nothing else.

    They are hard links, or copies where the disk has no links. The folder that was there before is
    taken away when the new one is whole; runs that end at once take turns.

    Args:
        folder: The folder.
        files: The files, of different names.

    Raises:
        StorageError: The disk refuses; the folder that was there still is.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            _tidy(folder)
            new, old = _beside(folder, _NEW), _beside(folder, _OLD)
            try:
                new.mkdir()
                for file in files:
                    _link(file, new / file.name)
                if folder.exists():
                    os.replace(folder, old)
                os.replace(new, folder)
            finally:
                _tidy(folder)


def _beside(folder: Path, ending: str) -> Path:
    return folder.parent / f".{folder.name}.{uuid4().hex[:_MARK]}.{ending}"


def _tidy(folder: Path) -> None:
    # Also what a killed run left: whoever is here holds the lock.
    for ending in (_OLD, _NEW):
        for left in folder.parent.glob(f".{folder.name}.{'?' * _MARK}.{ending}"):
            if ending == _OLD and not folder.exists():  # stopped between the two renames
                os.replace(left, folder)
            else:
                shutil.rmtree(left, ignore_errors=True)


def _link(file: Path, link: Path) -> None:
    try:
        os.link(file, link)
    except OSError:  # a file system without hard links, or another one
        shutil.copyfile(file, link)
