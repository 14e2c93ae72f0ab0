"""Opens a scene from the YAML file that describes it: `bdgf.open_scene`."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from bdgf.core.errors import SettingsError
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene


def open_scene_file(path: str | PathLike[str], name: str | None = None) -> xr.Dataset:
    """Reads the raw files of a scene that a YAML file describes, as `kedro run` would.

    Args:
        path: The YAML file, as those in `conf/base/parameters_scenes/`. The scene's files are
            looked for beside it, and in the folder of the scene's name there.
        name: The scene's name in it; None where it holds one.

    Raises:
        SettingsError: The file is none, or its configuration is wrong.
        SceneError: The scene's files are.
    """
    chosen, configuration = described_scene(path, name)
    config = parse_scene_config(chosen, configuration)
    beside = Path(path).parent
    return read_scene(chosen, config, [beside, beside / (config.folder or chosen)])


def described_scene(
    path: str | PathLike[str], name: str | None = None
) -> tuple[str, dict[str, Any]]:
    """The name of the scene in a YAML file, and its settings.

    Args:
        path: The YAML file.
        name: The scene's name in it; None where it holds one.

    Raises:
        SettingsError: The file is none, or holds several scenes or another one.
    """
    path = Path(path)
    try:
        told = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{path} cannot be read as a scene's file: {reason}") from error
    if not isinstance(told, dict) or not told:
        raise SettingsError(f"{path} describes no scene; see docs/how_to/scenes.md")
    if name is None and len(told) > 1:
        raise SettingsError(f"{path} holds {', '.join(map(str, told))}; say which with `name`")
    chosen = str(next(iter(told))) if name is None else name
    if not isinstance(told.get(chosen), dict):
        raise SettingsError(
            f"{path} does not describe '{chosen}', only {', '.join(map(str, told))}"
        )
    return chosen, told[chosen]
