"""What the project's datasets share: local, versioned, written whole or not at all."""

from __future__ import annotations

import contextlib
import filecmp
import os
from abc import abstractmethod
from pathlib import Path, PurePosixPath
from typing import Any, Generic, TypeVar

from kedro.io import AbstractVersionedDataset, DatasetError, Version

from bdgf.core.storage import writing

Content = TypeVar("Content")


class LocalVersionedDataset(AbstractVersionedDataset[Content, Content], Generic[Content]):
    """A local file, versioned by Kedro, that appears under its name only when complete.

    A version that equals the one before it byte for byte becomes a hard link to it, so that
    unchanged artifacts of repeated runs take no space.
    """

    def __init__(
        self,
        *,
        filepath: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Names the file.

        Args:
            filepath: Where the file is; with a version, the folder that holds the versions.
            version: The version to load and to save, as Kedro gives it.
            metadata: For plugins and hooks; not read here.
        """
        super().__init__(PurePosixPath(filepath), version)
        self.metadata = metadata

    @abstractmethod
    def _read(self, path: Path) -> Content: ...

    @abstractmethod
    def _write(self, content: Content, path: Path) -> None: ...

    def size(self, content: Content) -> int | None:
        """Bytes that the files will take, about; None where nobody knows before."""
        return None

    def companions(self, path: Path) -> list[Path]:
        """All files that make up the artifact whose main file is `path`."""
        return [path]

    def load(self) -> Content:
        """Reads the latest version, or the one asked for."""
        return self._read(Path(self._get_load_path()))

    def save(self, data: Content) -> None:
        """Writes a new version under a temporary name, then moves it to its own.

        Raises:
            StorageError: The disk refuses; nothing of the version is left.
        """
        path = Path(self._get_save_path())
        earlier = self._earlier_version()
        partial = path.with_name(f".{path.stem}.part{path.suffix}")
        with writing(path, self.size(data)):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._write(data, partial)
                written = zip(self.companions(partial), self.companions(path), strict=True)
                # The main file last: it is the one that says that the version is there.
                for number, (part, final) in reversed(list(enumerate(written))):
                    if earlier is not None:
                        _link_if_equal(self.companions(earlier)[number], part)
                    os.replace(part, final)
            finally:
                _clear(path.parent, f".{path.stem}.part")

    def _earlier_version(self) -> Path | None:
        paths = self._get_versions() if self._version else []
        return Path(paths[0]) if paths else None

    def _exists(self) -> bool:
        try:
            return Path(self._get_load_path()).exists()
        except DatasetError:  # no version yet
            return False

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "version": self._version}


def _clear(folder: Path, beginning: str) -> None:
    # What a writer made on its way too; and the folder of a version that did not come about.
    for part in folder.iterdir():
        if part.name.startswith(beginning):
            part.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it holds the version, or other files
        folder.rmdir()


def _link_if_equal(earlier: Path, part: Path) -> None:
    if not earlier.exists() or earlier.samefile(part):
        return
    if not filecmp.cmp(earlier, part, shallow=False):
        return
    link = part.with_name(part.name + ".link")
    try:
        os.link(earlier, link)
    except OSError:  # a file system without hard links keeps the copy
        return
    os.replace(link, part)
