"""The balance of modalities in the latest denoiser's features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.core.weights import Weights


def measure_modality_balance(
    denoiser: Weights,
    prepared_scene: xr.Dataset,
    split: xr.DataArray,
    features: dict[str, Any],
    parameters: dict[str, Any],
    devices: dict[str, Any],
    working_folder: str,
    dataset: str,
) -> dict[str, Any]:
    """Measures balance indices, feature shares and linear probes, without test pixels.

    Args:
        denoiser: The pretrained denoiser.
        prepared_scene: The prepared scene.
        split: Which pixels train and validate: the probes' pixels.
        features: The group `features`.
        parameters: The group `balance`.
        devices: The group `devices`.
        working_folder: Where the features grow, one folder per scene.
        dataset: The scene's name.

    Returns:
        One flat record.
    """
    from bdgf.evaluation.modality_balance import ModalityBalanceSettings, measure_balance
    from bdgf.features.extraction import FeatureSettings
    from bdgf.training.devices import DeviceSettings

    folder = Path(working_folder) / dataset
    folder.mkdir(parents=True, exist_ok=True)
    return measure_balance(
        denoiser,
        prepared_scene,
        split,
        FeatureSettings.model_validate(features),
        ModalityBalanceSettings.model_validate(parameters),
        devices=DeviceSettings.model_validate(devices),
        folder=folder,
    )
