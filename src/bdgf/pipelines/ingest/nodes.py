"""Raw files become a Scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr
from pydantic import Field

from bdgf.core.settings import Settings
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene


class IngestSettings(Settings):
    """Where raw files are looked for."""

    folders: tuple[str, ...] = Field(
        min_length=1,
        description="Searched in turn for `<folder>/<scene>`; BDGF_DATA is an environment "
        "variable, ../shared/data where it is not set.",
    )


def ingest_scene(
    configuration: dict[str, Any], dataset: str, parameters: dict[str, Any]
) -> xr.Dataset:
    """Reads, checks and aligns the raw files of one scene.

    Args:
        configuration: The scene's configuration, as in `parameters_scenes/`.
        dataset: The scene's name.
        parameters: The group `ingest`.

    Returns:
        The scene, see `bdgf.scenes.scene`.
    """
    settings = IngestSettings.model_validate(parameters)
    config = parse_scene_config(dataset, configuration)
    folders = [Path(folder) / (config.folder or dataset) for folder in settings.folders]
    return read_scene(dataset, config, folders)
