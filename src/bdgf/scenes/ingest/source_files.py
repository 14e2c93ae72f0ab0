"""Finds a scene's files: of the alternatives of an array, the first that is there."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Generic, TypeVar

from bdgf.core.errors import SceneError
from bdgf.scenes.config import Origin
from bdgf.scenes.readers.isolation import read_raw, read_vectors_raw
from bdgf.scenes.readers.raw_array import RawArray, VariableError, WindowsError
from bdgf.scenes.readers.reading_limits import ReadingSettings
from bdgf.scenes.readers.vectors import VectorQuery, Vectors
from bdgf.scenes.sources import LabelSource, Source

log = logging.getLogger(__name__)

SourceT = TypeVar("SourceT", bound=Source)


@dataclass(frozen=True)
class FoundArray(Generic[SourceT]):
    """An array of the scene as it was found.

    Attributes:
        scene: The scene's name.
        item: What it is, such as "modality 'hsi'".
        source: The alternative that was taken.
        arrays: One array a file of the source.
        paths: The files.
        vectors: Its polygons or points, where the file holds such; then there are no arrays.
    """

    scene: str
    item: str
    source: SourceT
    arrays: tuple[RawArray, ...]
    paths: tuple[Path, ...]
    vectors: Vectors | None = None

    @property
    def where(self) -> str:
        """The files and the variable, for messages."""
        return self.source.describe()

    @property
    def about(self) -> str:
        """The beginning of a message about it."""
        return f"{self.scene}: {self.item} from {self.where}"


@dataclass(frozen=True)
class SceneFolders:
    """The folders in which a scene's files are looked for, in order.

    `window` is the part of them that is read, see `ReadingLimits`.
    """

    scene: str
    folders: Sequence[Path]
    origin: Origin
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    window: tuple[int, int, int, int] | None = None
    _checked: set[Path] = field(default_factory=set, init=False)
    _said: set[tuple[Path, str]] = field(default_factory=set, init=False)

    def read(
        self, item: str, sources: Sequence[SourceT], optional: bool
    ) -> FoundArray[SourceT] | None:
        """Reads the first alternative whose files are all there and hold the variable.

        Args:
            item: What is read, for messages.
            sources: The alternatives.
            optional: Whether None is returned when there is none of them.

        Raises:
            SceneError: No alternative is there, or a file is damaged.
        """
        wrong_variable: VariableError | None = None
        for source in sources:
            paths = [self._find(name) for name in source.file]
            found = [path for path in paths if path is not None]
            if len(found) < len(paths):
                continue
            try:
                vectors = self._vectors(source, found[0])
                arrays = tuple(
                    read_raw(path, source.variable, self.reading, self.folders, self.window)
                    for path in (found if vectors is None else ())
                )
            except VariableError as error:  # another form may use the same file name
                wrong_variable = wrong_variable or error
                continue
            for path in found:
                self._check_digest(path)
            for path, array in zip(found, arrays, strict=False):
                self._say_doubts(path, array)
            return FoundArray(self.scene, item, source, arrays, tuple(found), vectors)
        if wrong_variable is not None:
            raise wrong_variable
        if optional:
            return None
        raise self._missing(item, sources)

    def _vectors(self, source: Source, path: Path) -> Vectors | None:
        if not isinstance(source, LabelSource) or not source.is_vector:
            return None
        if self.window is not None:
            raise WindowsError(f"{path}: polygons and points are read whole, not in windows")
        query = VectorQuery(source.layer, source.class_field, source.form != "mask", source.roles)
        return read_vectors_raw(path, query, self.reading, self.folders)

    def _say_doubts(self, path: Path, array: RawArray) -> None:
        for doubt in array.doubts:
            if (path, doubt) not in self._said:  # several arrays may lie in one file
                log.warning("%s: %s: %s", self.scene, path.name, doubt)
            self._said.add((path, doubt))

    def _find(self, name: str) -> Path | None:
        candidates = (folder / name for folder in self.folders)
        return next((path for path in candidates if path.is_file()), None)

    def _missing(self, item: str, sources: Sequence[Source]) -> SceneError:
        override = f"conf/local/parameters_scenes/{self.scene}.yml (docs/scenes.md)"
        if not sources:
            return SceneError(
                f"{self.scene}: the files of {item} go by no known name; give yours in {override}"
            )
        wanted = list(dict.fromkeys(source.describe() for source in sources))
        here = [p.name for folder in self.folders if folder.is_dir() for p in folder.iterdir()]
        plain = {name.lower(): name for name in here}
        near = get_close_matches(sources[0].file[0].lower(), plain, n=1, cutoff=0.8)
        hint = f" (there is {plain[near[0]]})" if near else ""
        if self.origin.url:
            advice = f"put the public data there ({self.origin.url}), or name your own files in "
        else:
            advice = "put it there, or correct the names in "
        return SceneError(
            f"{self.scene}: no file for {item}: looked for {' or '.join(wanted)} in "
            f"{', '.join(map(str, self.folders))}{hint}; {advice}{override}"
        )

    def _check_digest(self, path: Path) -> None:
        expected = self.origin.sha256.get(path.name)
        if expected is None or path in self._checked:
            return
        self._checked.add(path)  # several arrays may lie in one file
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != expected:
            log.warning(
                "%s is not the published file (sha256 %s..., published %s...): another edition or "
                "a changed copy; shapes and counts are checked all the same",
                path,
                digest[:8],
                expected[:8],
            )
