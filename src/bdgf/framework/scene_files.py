"""The files of `parameters_scenes/`: one scene per file, the file's name its one top key.

A file that cannot be read is an error for its own scene, and is skipped for others.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bdgf.core.names import name_problem
from bdgf.framework.yaml_text import YamlProblem, decoded, read_mapping

log = logging.getLogger(__name__)

FOLDER = "parameters_scenes"
SUFFIXES = (".yml", ".yaml")

_left_out: set[tuple[str, str]] = set()


@dataclass
class SceneFiles:
    """Scenes by name, and what is wrong with the files of others.

    Attributes:
        scenes: Name -> configuration.
        refused: Name -> one line on the file that claims the name and cannot be taken.
    """

    scenes: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def __or__(self, above: SceneFiles) -> SceneFiles:
        """With the files of another environment, whose scenes replace those of the same name."""
        names = {*above.scenes, *above.refused}
        return SceneFiles(
            {k: v for k, v in self.scenes.items() if k not in names} | above.scenes,
            {k: v for k, v in self.refused.items() if k not in names} | above.refused,
        )

    def warn(self) -> None:
        """Reports each skipped file in one line, once per process."""
        for line in dict.fromkeys(self.refused.values()):
            if (told := (os.getcwd(), line)) not in _left_out:
                _left_out.add(told)
                log.warning("left out: %s", line)


def read_scene_files(files: Any, folder: str) -> SceneFiles:
    """Reads the scene files of one environment.

    Args:
        files: The file system, fsspec's.
        folder: The environment's `parameters_scenes`.
    """
    held: dict[Path, DictConfig] = {}
    refused: dict[str, list[str]] = {}
    for path in _paths(files, folder):
        keys: list[str] = []
        try:
            mapping = _read(files, path)
            names = map(str, mapping)
            keys = [name for name in names if not name.startswith("_")]  # those are for reuse
            _check_keys(keys, path.stem)
        except YamlProblem as problem:
            for name in dict.fromkeys([path.stem, *keys]):
                refused.setdefault(name, []).append(_line(path, problem))
        else:
            held[path] = mapping
    _refuse_twice(held, refused)
    found = SceneFiles(refused={name: lines[0] for name, lines in refused.items()})
    # Together, as a scene may take a part of another by `${...}`.
    merged = OmegaConf.unsafe_merge({}, *held.values())
    for path in held:
        if path.stem in refused:
            continue
        try:
            found.scenes[path.stem] = _resolved(merged, path.stem)
        except YamlProblem as problem:
            found.refused[path.stem] = _line(path, problem)
    return found


def _paths(files: Any, folder: str) -> list[Path]:
    found = {Path(each) for end in SUFFIXES for each in files.glob(f"{folder}/*{end}")}
    return sorted(path for path in found if path.name[0] != "." and not files.isdir(str(path)))


def _read(files: Any, path: Path) -> DictConfig:
    try:
        with files.open(path.as_posix()) as file:
            data = file.read()
    except FileNotFoundError as error:
        raise YamlProblem(
            "is a link to a file that is not there; fix or delete the link"
        ) from error
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise YamlProblem(f"cannot be opened: {reason}; make it readable") from error
    mapping = read_mapping(decoded(data))
    try:
        return OmegaConf.create(mapping)
    except (OmegaConfBaseException, RecursionError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise YamlProblem(f"cannot be taken as settings ({reason}); fix it") from error


def _check_keys(keys: list[str], stem: str) -> None:
    if keys == [stem]:
        if (problem := name_problem(stem)) is not None:  # it becomes a folder of `data/`
            raise YamlProblem(f"has a name that {problem}; call the file and its key otherwise")
        return
    if not keys:
        raise YamlProblem(f"holds no scene; it must hold one top key, its own name: '{stem}:'")
    if len(keys) == 1:
        raise YamlProblem(
            f"holds the top key '{keys[0]}' and must hold '{stem}', its own name; write '{stem}:' "
            f"there, or call the file {keys[0]}.yml"
        )
    raise YamlProblem(
        f"holds the top keys {', '.join(map(repr, keys))} and must hold one, its own name: "
        f"'{stem}'; indent below it what belongs to it, and give another scene a file of its own"
    )


def _refuse_twice(held: Iterable[Path], refused: dict[str, list[str]]) -> None:
    # `mine.yml` beside `mine.yaml`.
    by_name: dict[str, list[Path]] = {}
    for path in held:
        by_name.setdefault(path.stem, []).append(path)
    for name, paths in by_name.items():
        if len(paths) > 1:
            both = " and ".join(_shown(path) for path in paths)
            refused.setdefault(name, []).append(f"{both} both hold '{name}'; delete one of them")


def _resolved(merged: Any, name: str) -> Any:
    try:
        scene = merged[name]
        if isinstance(scene, DictConfig):
            return OmegaConf.to_container(scene, resolve=True)
    except (OmegaConfBaseException, RecursionError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise YamlProblem(f"a '${{...}}' in it cannot be filled in ({reason}); fix it") from error
    raise YamlProblem(
        f"holds no settings below '{name}:'; indent them below it (docs/how_to/scenes.md)"
    )


def _line(path: Path, problem: YamlProblem) -> str:
    text = str(problem)
    return f"{_shown(path)}{', ' if text.startswith('line ') else ' '}{text}"


def _shown(path: Path) -> str:
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
