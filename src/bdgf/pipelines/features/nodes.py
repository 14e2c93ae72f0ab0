"""A Denoiser becomes a FeatureCube of the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from bdgf.diffusion.feature_cube import FeatureCube
from bdgf.diffusion.features import FeatureSettings
from bdgf.training.devices import DeviceSettings
from bdgf.training.extraction import extract_scene_features
from bdgf.weights import Weights


def extract_feature_cube(
    denoiser: Weights,
    prepared_scene: xr.Dataset,
    parameters: dict[str, Any],
    devices: dict[str, Any],
    working_folder: str,
    dataset: str,
) -> FeatureCube:
    """Computes the diffusion features of every pixel once, or reuses what is unchanged.

    Args:
        denoiser: The pretrained denoiser.
        prepared_scene: The prepared scene.
        parameters: The group `features`.
        devices: The group `devices`.
        working_folder: Where the cube grows tile by tile, a folder a scene.
        dataset: The scene's name.

    Returns:
        The complete cube.
    """
    return extract_scene_features(
        denoiser,
        prepared_scene,
        FeatureSettings.model_validate(parameters),
        Path(working_folder) / dataset / "feature_cube.h5",
        devices=DeviceSettings.model_validate(devices),
    )
