"""A Denoiser becomes a FeatureCube of the scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bdgf.framework.mlflow_logger import log_reuse

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.core.weights import Weights
    from bdgf.features.cube import FeatureCube


def extract_feature_cube(
    denoiser: Weights,
    prepared_scene: xr.Dataset,
    parameters: dict[str, Any],
    devices: dict[str, Any],
    cache: dict[str, Any],
    dataset: str,
) -> FeatureCube:
    """Computes the diffusion features of every pixel, or reuses existing ones.

    Args:
        denoiser: The pretrained denoiser.
        prepared_scene: The prepared scene.
        parameters: The group `features`.
        devices: The group `devices`.
        cache: The group `cache`.
        dataset: The scene's name.

    Returns:
        The complete cube.
    """
    from bdgf.core.artifact_cache import ArtifactCache, CacheSettings
    from bdgf.features.cached import cached_feature_cube
    from bdgf.features.external import external_cube
    from bdgf.features.extraction import FeatureSettings
    from bdgf.training.devices import DeviceSettings

    settings = FeatureSettings.model_validate(parameters)
    if settings.external is not None:
        return external_cube(Path(settings.external), prepared_scene)
    found = cached_feature_cube(
        denoiser,
        prepared_scene,
        settings,
        ArtifactCache.of_scene(CacheSettings.model_validate(cache), dataset, "feature_cubes"),
        devices=DeviceSettings.model_validate(devices),
    )
    log_reuse("feature_cube", found.reused)
    return found.cube
