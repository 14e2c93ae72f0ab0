"""A PreparedScene becomes a Denoiser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from bdgf.tracking import MlflowMetricLogger
from bdgf.training.devices import DeviceSettings
from bdgf.training.pretrain import PretrainSettings, pretrain
from bdgf.weights import Weights


def pretrain_denoiser(
    prepared_scene: xr.Dataset,
    parameters: dict[str, Any],
    devices: dict[str, Any],
    working_folder: str,
    dataset: str,
    seed: int,
) -> Weights:
    """Pretrains the denoiser without labels, or takes it up where an earlier run left it.

    Args:
        prepared_scene: The prepared scene.
        parameters: The group `pretrain`.
        devices: The group `devices`.
        working_folder: Where running checkpoints are kept, a folder a scene.
        dataset: The scene's name.
        seed: Seed of weights, tiles, masks and noise.

    Returns:
        The denoiser's averaged weights.
    """
    return pretrain(
        prepared_scene,
        PretrainSettings.model_validate(parameters),
        seed,
        devices=DeviceSettings.model_validate(devices),
        logger=MlflowMetricLogger(),
        checkpoint=Path(working_folder) / dataset / "pretrain.ckpt",
    )
