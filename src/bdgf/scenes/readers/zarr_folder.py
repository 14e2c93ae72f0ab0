"""The files of a Zarr store, none of them outside its folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.references import shortened

SUFFIX = ".zarr"


def is_zarr_store(path: Path) -> bool:
    """Whether a path is a folder under the name of a Zarr store."""
    return path.suffix.lower() == SUFFIX and path.is_dir()


@dataclass(frozen=True)
class StoreFolder:
    """A store's folder, which no file is read outside of.

    The folder itself may be a link on the disk. Links within it come with the data, as of an
    archive that was unpacked, and must stay inside.

    Attributes:
        path: The folder.
    """

    path: Path

    def file(self, key: str) -> Path | None:
        """The file of a key, such as `b02/c/0/1`; None where there is none.

        Raises:
            SceneError: It lies outside the folder, or is no plain file.
        """
        found = self._inside(key)
        if not found.exists():
            return None
        if not found.is_file():  # such as a pipe, which would be waited for
            raise SceneError(
                f"{self.path}: its '{shortened(key)}' is no plain file; copy the store again"
            )
        return found

    def folders(self, key: str) -> Iterator[str]:
        """Names of the folders in one, sorted.

        Raises:
            SceneError: One of them is a link to outside.
        """
        with os.scandir(self._inside(key)) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
        for name in names:
            self._inside(f"{key}/{name}")
            yield name

    def place(self, key: str) -> Path:
        """Where a folder really is, to tell one that is reached in two ways."""
        return self._inside(key)

    @cached_property
    def _root(self) -> Path:
        return Path(os.path.realpath(self.path))

    def _inside(self, key: str) -> Path:
        if "\0" in key:
            raise SceneError(f"{self.path}: it names a file '{shortened(key)}'; it is damaged")
        target = Path(os.path.realpath(os.path.join(self._root, key.lstrip("/"))))
        if not target.is_relative_to(self._root):
            raise SceneError(
                f"{self.path}: its '{shortened(key)}' leads out of the store and is not read; put "
                "what it leads to in its place"
            )
        return target
