"""Costly artifacts by fingerprint: made once and shared by all processes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import Field

from bdgf.core.settings import Settings

log = logging.getLogger(__name__)


class CacheSettings(Settings):
    """Where costly artifacts are shared, and how many are kept."""

    folder: str = Field(
        "data/working",
        description="Root folder; it has a subfolder per scene and kind of artifact.",
    )
    keep: int = Field(
        24, ge=1, description="Number of most recently used artifacts to keep, per scene and kind."
    )


class ArtifactCache:
    """One folder of artifacts of a kind, each in files `<fingerprint>.<suffix>`.

    Locks are the operating system's: those of a killed process are free again.

    Attributes:
        folder: The folder.
        keep: How many artifacts stay, those that were used last.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        """Stores `folder`, which may not exist yet."""
        self.folder, self.keep = folder, keep

    @classmethod
    def of_scene(cls, settings: CacheSettings, scene: str, kind: str) -> ArtifactCache:
        """The cache of one kind of artifact of one scene."""
        return cls(Path(settings.folder) / scene / kind, settings.keep)

    @contextmanager
    def claim_free(self, fingerprint: str) -> Iterator[Path]:
        """Like `claim`, but without waiting: a second process gets separate files.

        These are `<fingerprint>-1`, `<fingerprint>-2`, ...: the first that nobody holds. For what
        is not shared, such as the checkpoints of two equal trainings. Those beyond `keep` that
        nobody holds are deleted at the beginning.
        """
        with ExitStack() as held:
            for number in count():
                name = f"{fingerprint}-{number}" if number else fingerprint
                with suppress(Timeout):
                    held.enter_context(self._lock(name).acquire(timeout=0))
                    break
            self._prune()
            yield self.folder / name

    @contextmanager
    def claim(self, fingerprint: str) -> Iterator[Path]:
        """Locks an artifact's files against other processes while the block runs.

        A second process that claims the same waits for the first to end, and then finds what
        that one made. When the block ends well the artifact counts as just used, and those
        beyond `keep` are deleted, but none that is claimed.

        Args:
            fingerprint: Of all that makes the artifact; hexadecimal, no dot.

        Yields:
            The path of the artifact's files without their suffix.
        """
        lock = self._lock(fingerprint)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("waiting for another process that makes the same (%s)", fingerprint)
            lock.acquire()
        try:
            yield self.folder / fingerprint
            for path in self._files().get(fingerprint, []):
                path.touch()
            self._prune()
        finally:
            lock.release()

    def _lock(self, fingerprint: str) -> FileLock:
        folder = self.folder / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{fingerprint}.lock")

    def _files(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in self.folder.iterdir():
            if path.is_file():
                found.setdefault(path.name.split(".")[0], []).append(path)
        return found

    def _prune(self) -> None:
        files = self._files()
        used = {name: max(map(_modified, paths)) for name, paths in files.items()}
        for name in sorted(files, key=lambda name: used[name], reverse=True)[self.keep :]:
            try:
                with self._lock(name).acquire(timeout=0):
                    for path in files[name]:
                        path.unlink(missing_ok=True)
            except Timeout:  # in use
                continue


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process deleted it meanwhile
        return 0.0
