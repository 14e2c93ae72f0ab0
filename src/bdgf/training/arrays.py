"""What a classifier sees of a prepared scene, taken into memory once."""

from __future__ import annotations

import torch
import xarray as xr

from bdgf.diffusion.feature_cube import FeatureCube
from bdgf.errors import SceneError
from bdgf.scenes.preparation import stack_channels
from bdgf.scenes.windows import SceneArrays


def resident_arrays(prepared: xr.Dataset, cube: FeatureCube | None = None) -> SceneArrays:
    """The channels of a prepared scene and its diffusion features, on the CPU.

    Args:
        prepared: The prepared scene.
        cube: Its feature cube; None leaves the features out.

    Raises:
        SceneError: The cube is of a scene of another size.
    """
    channels, modalities = stack_channels(prepared)
    if cube is None:
        return SceneArrays(torch.from_numpy(channels), modalities)
    if tuple(cube.shape) != channels.shape[1:]:
        raise SceneError(
            f"the feature cube {cube.path} is of a scene of {cube.shape} pixels, not "
            f"{channels.shape[1:]}; run the pipeline features again"
        )
    statistics = [cube.statistics(level) for level in cube.levels]
    return SceneArrays(
        torch.from_numpy(channels),
        modalities,
        features=tuple(torch.from_numpy(cube.read(level)) for level in cube.levels),
        feature_mean=tuple(torch.from_numpy(mean) for mean, _ in statistics),
        feature_std=tuple(torch.from_numpy(std) for _, std in statistics),
    )
