"""Input of a classifier: a prepared scene and its features, loaded once into memory."""

from __future__ import annotations

from dataclasses import replace

import torch
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.features.source import FeatureSource
from bdgf.preprocessing.prepared_channels import average_channels, channel_slices
from bdgf.raster.patches import SceneTensors, channels_last
from bdgf.scenes.masks import modality_masks


def scene_tensors(prepared: xr.Dataset, cube: FeatureSource | None = None) -> SceneTensors:
    """The channels of a prepared scene and its diffusion features, on the CPU.

    They are laid out channels last, as training and inference want them, one map at a time: no
    second copy of the whole is ever held.

    Args:
        prepared: The prepared scene.
        cube: Its feature cube; None leaves the features out.

    Raises:
        SceneError: The cube is of a scene of another size.
    """
    # (C, H, W) float32, channels last in memory, without stacking the modalities first.
    slices = channel_slices(prepared)
    count = max(part.stop for part in slices.values())
    pixels = torch.empty(prepared.sizes["y"], prepared.sizes["x"], count)
    for name, part in slices.items():
        pixels[..., part] = torch.from_numpy(prepared[name].to_numpy()).permute(1, 2, 0)
    masks = modality_masks(prepared)
    present = None if masks is None else channels_last(torch.from_numpy(masks))
    arrays = SceneTensors(
        pixels.permute(2, 0, 1), slices, present=present, averages=average_channels(prepared)
    )
    return arrays if cube is None else with_features(arrays, cube)


def with_features(arrays: SceneTensors, cube: FeatureSource) -> SceneTensors:
    """The same channels, and the features of a cube.

    Args:
        arrays: The channels of a prepared scene.
        cube: The scene's feature cube.

    Raises:
        SceneError: The cube is of a scene of another size.
    """
    if tuple(cube.shape) != arrays.shape:
        raise SceneError(
            f"{cube.name} is of a scene of {cube.shape} pixels, not {arrays.shape}; "
            "run the pipeline features again"
        )
    moments = [cube.moments(level) for level in cube.levels]
    return replace(
        arrays,
        features=tuple(channels_last(torch.from_numpy(cube.read(level))) for level in cube.levels),
        feature_mean=tuple(torch.from_numpy(mean) for mean, _ in moments),
        feature_std=tuple(torch.from_numpy(std) for _, std in moments),
    )
