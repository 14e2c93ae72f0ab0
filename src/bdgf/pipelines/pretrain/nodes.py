"""A PreparedScene becomes a Denoiser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bdgf.framework.mlflow_logger import MlflowMetricLogger, log_reuse

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.core.weights import Weights

_RESIDENT_GIB = 0.1
"""A further scene of up to so many GiB is read whole, a larger one window by window."""


def pretrain_denoiser(
    prepared_scene: xr.Dataset,
    preparation: Weights,
    further_scenes: dict[str, Any],
    ingest: dict[str, Any],
    parameters: dict[str, Any],
    devices: dict[str, Any],
    cache: dict[str, Any],
    dataset: str,
    seed: int,
) -> Weights:
    """Pretrains the denoiser without labels, or resumes an earlier run.

    Args:
        prepared_scene: The prepared scene.
        preparation: What prepared it, which prepares the further scenes too.
        further_scenes: The configurations of the scenes that `pretrain.scenes` names, but for the
            run's own, as in `parameters_scenes/`.
        ingest: The group `ingest`.
        parameters: The group `pretrain`.
        devices: The group `devices`.
        cache: The group `cache`.
        dataset: The scene's name.
        seed: Seed of weights, tiles, masks and noise.

    Returns:
        The denoiser's averaged weights.
    """
    from bdgf.core.artifact_cache import ArtifactCache, CacheSettings
    from bdgf.diffusion.pretraining.cached import cached_denoiser
    from bdgf.diffusion.pretraining.further_scenes import further_scene
    from bdgf.diffusion.pretraining.settings import PretrainSettings
    from bdgf.preprocessing.preparation import Preparation
    from bdgf.scenes.ingest.open_scene import open_scene
    from bdgf.scenes.ingest.read_scene import IngestSettings
    from bdgf.training.devices import DeviceSettings

    others = []
    if further_scenes:
        prepare, reading = Preparation.from_weights(preparation), IngestSettings(**ingest)
        for name, configuration in sorted(further_scenes.items()):
            source = open_scene(name, configuration, reading, _RESIDENT_GIB)
            others.append(further_scene(source, prepare, dataset))
    found = cached_denoiser(
        prepared_scene,
        PretrainSettings.model_validate(parameters),
        seed,
        ArtifactCache.of_scene(CacheSettings.model_validate(cache), dataset, "denoisers"),
        devices=DeviceSettings.model_validate(devices),
        logger=MlflowMetricLogger(),
        others=others,
    )
    log_reuse("denoiser", found.reused)
    return found.weights
