"""Raw files become a Scene."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.loading import read_scene


def ingest_scene(
    configuration: dict[str, Any], dataset: str, parameters: dict[str, Sequence[str]]
) -> xr.Dataset:
    """Reads, checks and aligns the raw files of one scene.

    Args:
        configuration: The scene's configuration, as in `parameters_scenes/`.
        dataset: The scene's name.
        parameters: The group `ingest`.

    Returns:
        The scene, see `bdgf.scenes.scene`.
    """
    folders = [Path(folder) / dataset for folder in parameters["folders"]]
    return read_scene(dataset, parse_scene_config(dataset, configuration), folders)
