"""Raw files become a Scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.raster.streamed import StreamedDataset


def ingest_scene(
    configuration: dict[str, Any], dataset: str, parameters: dict[str, Any]
) -> xr.Dataset | StreamedDataset:
    """Reads, checks and aligns the raw files of one scene.

    Args:
        configuration: The scene's configuration, as in `parameters_scenes/`.
        dataset: The scene's name.
        parameters: The group `ingest`.

    Returns:
        The scene, see `bdgf.scenes.scene`; made while it is written where it is large.
    """
    from bdgf.scenes.ingest.read_scene import IngestSettings
    from bdgf.scenes.ingest.streamed_scene import ingest_resident_or_streamed

    return ingest_resident_or_streamed(
        dataset, configuration, IngestSettings.model_validate(parameters)
    )
