"""A PreparedScene becomes a Denoiser."""

from __future__ import annotations

from typing import Any

import xarray as xr

from bdgf.core.artifact_cache import ArtifactCache, CacheSettings
from bdgf.core.weights import Weights
from bdgf.diffusion.pretraining.cached import cached_denoiser
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.framework.mlflow_logger import MlflowMetricLogger, log_reuse
from bdgf.training.devices import DeviceSettings


def pretrain_denoiser(
    prepared_scene: xr.Dataset,
    parameters: dict[str, Any],
    devices: dict[str, Any],
    cache: dict[str, Any],
    dataset: str,
    seed: int,
) -> Weights:
    """Pretrains the denoiser without labels, or takes it up where an earlier run left it.

    Args:
        prepared_scene: The prepared scene.
        parameters: The group `pretrain`.
        devices: The group `devices`.
        cache: The group `cache`.
        dataset: The scene's name.
        seed: Seed of weights, tiles, masks and noise.

    Returns:
        The denoiser's averaged weights.
    """
    found = cached_denoiser(
        prepared_scene,
        PretrainSettings.model_validate(parameters),
        seed,
        ArtifactCache.of_scene(CacheSettings.model_validate(cache), dataset, "denoisers"),
        devices=DeviceSettings.model_validate(devices),
        logger=MlflowMetricLogger(),
    )
    log_reuse("denoiser", found.reused)
    return found.weights
