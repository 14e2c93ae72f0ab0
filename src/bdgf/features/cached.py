"""Feature extraction with the project's devices and progress bar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.fingerprint import fingerprint
from bdgf.core.weights import Weights
from bdgf.features.cube import FeatureCube
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.training.devices import DeviceSettings, make_fabric, resolve_precision
from bdgf.training.progress import ProgressBar

if TYPE_CHECKING:
    import xarray as xr


def extract_scene_features(
    weights: Weights,
    prepared: xr.Dataset,
    settings: FeatureSettings,
    path: Path,
    *,
    devices: DeviceSettings | None = None,
) -> FeatureCube:
    """`extract_features` on the device of `devices`, with a progress bar.

    Args:
        weights: The pretrained denoiser.
        prepared: The prepared scene.
        settings: Which features.
        path: The cube's file.
        devices: Device and precision.

    Returns:
        The complete cube at `path`.
    """
    with ProgressBar("extracting diffusion features", 1, unit="tiles") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done)

        return extract_features(
            weights, prepared, settings, path, fabric=make_fabric(devices), progress=show
        )


def shared_feature_cube(
    weights: Weights,
    prepared: xr.Dataset,
    settings: FeatureSettings,
    cache: ArtifactCache,
    *,
    devices: DeviceSettings | None = None,
) -> FeatureCube:
    """The cube that `extract_scene_features` gives, from the cache where it is there.

    Args:
        weights: The pretrained denoiser, as `pretrain` gave it.
        prepared: The prepared scene.
        settings: Which features.
        cache: Keeps cubes, and those that are not complete yet.
        devices: Device and precision.

    Returns:
        The complete cube.
    """
    devices = devices or DeviceSettings()
    # Where to look; whether what lies there is of these weights and this scene, the cube says.
    mark = fingerprint(weights.config["fingerprint"], settings, resolve_precision(devices))
    with cache.claim(mark) as place:
        path = place.with_suffix(".h5")
        return extract_scene_features(weights, prepared, settings, path, devices=devices)
