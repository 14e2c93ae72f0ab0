"""Finds a scene's files: of an array's alternatives, the first that exists."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePath

from bdgf.core.errors import SceneError
from bdgf.scenes.config import GRID_TOLERANCE, NodataSetting, Origin
from bdgf.scenes.file_search import is_raw_file, raw_digest
from bdgf.scenes.ingest.found_array import FoundArray, SourceT
from bdgf.scenes.ingest.mosaic import described, joined, partly
from bdgf.scenes.readers.isolation import read_raw, read_vectors_raw
from bdgf.scenes.readers.raw_array import RawArray, VariableError, WindowsError
from bdgf.scenes.readers.reading_limits import ReadingLimits, ReadingSettings, reading_limits
from bdgf.scenes.readers.vectors import VectorQuery, Vectors
from bdgf.scenes.sources import LabelSource, Source

log = logging.getLogger(__name__)

_PATTERN = re.compile(r"[*?]|\[.+\]")  # what makes a name stand for several files


@dataclass(frozen=True)
class SceneFolders:
    """The folders searched for a scene's files, in order.

    `window` is the part of them that is read, see `ReadingLimits`.
    """

    scene: str
    folders: Sequence[Path]
    origin: Origin
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    window: tuple[int, int, int, int] | None = None
    grid_tolerance: float = GRID_TOLERANCE
    _checked: set[Path] = field(default_factory=set, init=False)
    _said: set[tuple[Path, str]] = field(default_factory=set, init=False)

    def read(
        self,
        item: str,
        sources: Sequence[SourceT],
        optional: bool,
        nodata: NodataSetting = None,
    ) -> FoundArray[SourceT] | None:
        """Reads the first alternative whose files are all there and hold the variable.

        Tiles come as one array.

        Args:
            item: What is read, for messages.
            sources: The alternatives.
            optional: Whether None is returned when there is none of them.
            nodata: What the scene's file says of no data, where tiles overlap.

        Raises:
            SceneError: No alternative is there, or a file is damaged.
        """
        wrong_variable: VariableError | None = None
        for source in sources:
            paths = self.find(source.file)
            if paths is None:
                continue
            try:
                vectors = self._vectors(source, paths[0])
                if vectors is None:
                    found = self._read_all(item, source, paths, nodata)
                else:
                    found = FoundArray(
                        *(self.scene, item, source, (), tuple(paths)), vectors=vectors
                    )
            except VariableError as error:  # another form may use the same file name
                wrong_variable = wrong_variable or error
                continue
            for path in paths:
                self._check_digest(path)
            return found
        if wrong_variable is not None:
            raise wrong_variable
        self._refuse_folders(item, sources)
        if optional:
            return None
        raise self._missing(item, sources)

    def _read_all(
        self, item: str, source: SourceT, paths: Sequence[Path], nodata: NodataSetting
    ) -> FoundArray[SourceT]:
        def read(path: Path) -> RawArray:
            array = read_raw(path, source.variable, self.reading, self.folders, self.window)
            self._say_doubts(path, array)
            return array

        of_pattern = len(paths) > len(source.file)
        if (of_pattern if source.mosaic is None else source.mosaic) and len(paths) > 1:
            limits = ReadingLimits.of(self.reading, self.folders)
            tiles = FoundArray(self.scene, item, source, (), tuple(paths))
            if self.window is not None:
                return described(tiles, partly(read), self.grid_tolerance)[0]
            with reading_limits(limits):
                return joined(tiles, read, nodata, self.grid_tolerance)
        if of_pattern:  # the names of the files stand for the pattern
            source = source.model_copy(update={"file": tuple(path.name for path in paths)})
        return FoundArray(self.scene, item, source, tuple(map(read, paths)), tuple(paths))

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
        return next((path for path in candidates if is_raw_file(path)), None)

    def find(self, names: Sequence[str]) -> list[Path] | None:
        """The files of these names and patterns, None where one is not there."""
        paths: list[Path] = []
        for name in names:
            path = self._find(name)
            found = self._matching(name) if path is None else [path]
            if not found:
                return None
            paths += found
        return list(dict.fromkeys(paths))

    def _matching(self, pattern: str) -> list[Path]:
        """The sorted files that match a pattern, from the first folder with a match."""
        if not _PATTERN.search(pattern):
            return []
        if PurePath(pattern).is_absolute() or ".." in PurePath(pattern).parts:
            raise SceneError(
                f"{self.scene}: the pattern '{pattern}' leaves the scene's folders; put the "
                "files there, or name each of them"
            )
        for folder in self.folders:
            if found := sorted(path for path in folder.glob(pattern) if is_raw_file(path)):
                return found
        return []

    def _refuse_folders(self, item: str, sources: Sequence[Source]) -> None:
        """Refuses a folder where a file is looked for.

        Raises:
            SceneError: There is one.
        """
        names = dict.fromkeys(name for source in sources for name in source.file)
        places = (folder / name for name in names for folder in self.folders)
        found = next((path for path in places if path.is_dir()), None)
        if found is None:
            return
        raise SceneError(
            f"{self.scene}: {item}: {found} is a folder; name the files in it, as by "
            f"{found.name}/*.tif for tiles"
        )

    def _missing(self, item: str, sources: Sequence[Source]) -> SceneError:
        override = f"conf/local/parameters_scenes/{self.scene}.yml (docs/how_to/scenes.md)"
        if not sources:
            return SceneError(
                f"{self.scene}: the files of {item} have no known names; give yours in {override}"
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
        digest = raw_digest(path)
        if digest != expected:
            log.warning(
                "%s is not the published file (sha256 %s..., published %s...): another edition or "
                "a changed copy; shapes and counts are still checked",
                path,
                digest[:8],
                expected[:8],
            )
