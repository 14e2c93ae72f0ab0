"""Raw files become a Scene."""

from __future__ import annotations

from typing import Any

import xarray as xr

from bdgf.scenes.ingest.read_scene import IngestSettings, ingest


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
    return ingest(dataset, configuration, IngestSettings.model_validate(parameters))
