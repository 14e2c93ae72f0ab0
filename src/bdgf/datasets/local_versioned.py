"""Base of the project's datasets: local, versioned, written completely or not at all."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path, PurePosixPath
from typing import Any, Generic, TypeVar

from kedro.io import AbstractVersionedDataset, DatasetError, Version

from bdgf.core.hard_links import link_if_equal
from bdgf.core.whole_files import whole_artifact

Content = TypeVar("Content")


class LocalVersionedDataset(AbstractVersionedDataset[Content, Content], Generic[Content]):
    """A local file, versioned by Kedro, that appears under its name only when complete.

    Its SHA-256 stands beside it and is compared when it is read. A file that equals, byte for byte,
    the one of its name in the version before or in what it was made from becomes a hard link to it,
    so that nothing is stored twice; a file that was damaged does not equal it.

    Attributes:
        metadata: For plugins and hooks.
        remedy: What to do where the artifact is damaged, for the message.
        beside: Texts by file name that the next version is to have beside it.
        sources: Files of what the next version is made from.
    """

    remedy = "delete this version and make it again"

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
        self.beside: dict[str, str] = {}
        self.sources: list[Path] = []

    @abstractmethod
    def _read(self, path: Path) -> Content: ...

    @abstractmethod
    def _write(self, content: Content, path: Path) -> None: ...

    def size(self, content: Content) -> int | None:
        """Bytes that the files will take, about; None if unknown beforehand."""
        return None

    def companions(self, path: Path) -> list[Path]:
        """All files that make up the artifact whose main file is `path`."""
        return [path]

    def load(self) -> Content:
        """Reads the latest version, or the one asked for."""
        return self._read(Path(self._get_load_path()))

    def save(self, data: Content) -> None:
        """Writes a new version, completely or not at all.

        Raises:
            StorageError: The disk refuses; nothing of the version is left.
        """
        path = Path(self._get_save_path())
        earlier = self._earlier_version()
        with whole_artifact(path, self.size(data)) as staged:
            self._write(data, staged)
            for name, text in self.beside.items():
                staged.with_name(name).write_text(text)
            for file in self.companions(staged):
                known = [source for source in self.sources if source.name == file.name]
                known += [] if earlier is None else [earlier.with_name(file.name)]
                for one in known:
                    link_if_equal(one, file)

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
