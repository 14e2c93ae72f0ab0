"""Loads the configuration and rejects undefined scenes and parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from omegaconf import OmegaConf

from bdgf.core.errors import SettingsError
from bdgf.core.locations import require_local
from bdgf.framework.made_from import value_at
from bdgf.framework.renamed import with_new_names
from bdgf.framework.run_folders import run_folder
from bdgf.framework.scene_files import FOLDER, SceneFiles, read_scene_files
from bdgf.models.registry import model_entry

_LOCAL = ("data_folder", "working_folder", "cache.folder", "ingest.mirror")
"""Parameters that name folders in which something is written."""


class SceneConfigLoader(OmegaConfigLoader):
    """OmegaConfigLoader that knows scenes.

    The key `scenes` holds every scene of `parameters_scenes/` in the base, the local and the
    chosen environment. The key `parameters` gains `scene`, the configuration of the chosen
    one, and is checked against the runtime parameters.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """Arguments are those of `OmegaConfigLoader`.

        Raises:
            SettingsError: There is no such environment.
        """
        super().__init__(*args, **options)
        if self.env and not self._fs.isdir(self._get_conf_env_path(self.env)):
            known = self._environments()
            raise SettingsError(
                f"unknown environment '{self.env}'{nearest(self.env, known)}; known: "
                f"{', '.join(known)}; a new one is a folder of that name in {self.conf_source}"
            )

    def _environments(self) -> list[str]:
        found = self._fs.ls(self._get_conf_env_path("."), detail=False)
        folders = (Path(path).name for path in found if self._fs.isdir(path))
        return sorted(name for name in folders if not name.startswith((".", "__")))

    def __getitem__(self, key: str) -> dict[str, Any]:
        """Configuration of one kind.

        Raises:
            SettingsError: The scene, the model or a runtime parameter is unknown.
        """
        if key == "scenes":
            return self._read_scenes().scenes
        if key == "catalog":
            self._register_run_folder(self["parameters"])
        if key != "parameters":
            return super().__getitem__(key)
        if key not in self.data:  # read once: a run asks several times
            self.data[key] = self._read_parameters()
        return deepcopy(self.data[key])

    def _register_run_folder(self, parameters: Mapping[str, Any]) -> None:
        # ${run_folder:model} in the catalog. Resolvers are OmegaConf's, not a loader's: set anew.
        own = self.env if self.env not in (self.base_env, self.default_run_env) else None
        OmegaConf.register_new_resolver(
            "run_folder", lambda kind: run_folder(kind, parameters, own), replace=True
        )

    def _read_parameters(self) -> dict[str, Any]:
        typed, configured = with_new_names(self.runtime_params or {}), self._configured()
        merged: Any = OmegaConf.to_container(OmegaConf.merge(configured, typed))
        name, files = str(merged["dataset"]), self._read_scenes()
        scenes = files.scenes
        target = None if merged.get("target") is None else str(merged["target"])
        further = [other for other in _further_scenes(merged) if other != name]
        for chosen in filter(None, (name, target, *further)):
            _refuse_unknown_scene(chosen, files)
        if "model" in merged:
            model_entry(str(merged["model"]))  # refuses an unknown one
        refuse_unknown(typed, {**configured, "scene": scenes[name]})
        for place in _LOCAL:
            require_local(place, str(value_at(merged, place)))
        # `--params scene.<...>` overrides the scene's file.
        scene = OmegaConf.to_container(OmegaConf.merge(scenes[name], merged.get("scene", {})))
        files.warn()
        of_target = None if target is None else scenes[target]
        return {
            **merged,
            "dataset": name,
            "scene": scene,
            "target": target,
            "target_scene": of_target,
            "pretraining_scenes": {other: scenes[other] for other in further},
        }

    def _configured(self) -> dict[str, Any]:
        # Kedro merges what was typed into the parameters; what is configured is without.
        runtime, self.runtime_params = self.runtime_params, {}
        try:
            return with_new_names(super().__getitem__("parameters"))
        finally:
            self.runtime_params = runtime

    def _read_scenes(self) -> SceneFiles:
        if "scenes" in self.data:
            return SceneFiles(self.data["scenes"])
        found = SceneFiles()
        # A user's own scenes count in every environment, not only where `local` is the default.
        for env in dict.fromkeys([self.base_env, self.default_run_env, self.env]):
            if env:  # one without a folder has no scenes
                found |= read_scene_files(self._fs, f"{self._get_conf_env_path(env)}/{FOLDER}")
        return found


def _further_scenes(parameters: Mapping[str, Any]) -> list[str]:
    """The scenes that `pretrain.scenes` names; whatever else stands there its settings refuse."""
    group = parameters.get("pretrain")
    named = group.get("scenes") if isinstance(group, Mapping) else None
    if isinstance(named, str | int):
        named = [named]
    return [str(name) for name in named] if isinstance(named, list | tuple) else []


def _refuse_unknown_scene(name: str, files: SceneFiles) -> None:
    if name in files.refused:
        raise SettingsError(files.refused[name])
    if name not in files.scenes:
        raise SettingsError(
            f"unknown scene '{name}'{nearest(name, {*files.scenes, *files.refused})}; known "
            f"scenes: {', '.join(sorted(files.scenes))}; a new one is a file in "
            "conf/local/parameters_scenes/"
        )


def refuse_unknown(runtime: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuses runtime parameters that no configuration file defines.

    Args:
        runtime: What the user typed behind `--params`, nested.
        known: The configured parameters, nested.

    Raises:
        SettingsError: Naming the parameter, the nearest known one and its siblings.
    """
    for path in _leaves(runtime):
        place: Any = known
        for depth, name in enumerate(path):
            if not isinstance(place, Mapping) or not place:
                break  # below a value, or in a group that is free to fill: validated by its model
            if name not in place:
                group = ".".join(path[:depth])
                where = f" in '{group}'" if group else ""
                raise SettingsError(
                    f"unknown parameter '{'.'.join(path)}'{nearest(name, place, group)}; "
                    f"known{where}: {', '.join(sorted(map(str, place)))}"
                )
            place = place[name]


def dotted(tree: Mapping[str, Any]) -> list[str]:
    """The dotted names of all values of a nested mapping."""
    return [".".join(path) for path in _leaves(tree)]


def _leaves(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in tree.items():
        path = (*above, str(name))
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path


def nearest(name: str, known: Iterable[Any], group: str = "") -> str:
    """A suggestion of the most similar name in `known`; empty if there is none."""
    matches = get_close_matches(name, [str(k) for k in known], n=1, cutoff=0.5)
    return f", did you mean '{'.'.join(filter(None, [group, matches[0]]))}'?" if matches else ""
