"""Feature extraction with the project's devices and progress bar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bdgf.diffusion.feature_cube import FeatureCube
from bdgf.diffusion.features import FeatureSettings, extract_features
from bdgf.training.devices import DeviceSettings, make_fabric
from bdgf.training.progress import ProgressBar
from bdgf.weights import Weights

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
