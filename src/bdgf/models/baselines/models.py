"""The baseline networks, trained by the same loop as BDGF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xarray as xr

from bdgf.core.settings import Settings
from bdgf.core.weights import Weights, rebuild
from bdgf.models.baselines.mft import (
    MultimodalTransformer,
    MultimodalTransformerSettings,
)
from bdgf.models.baselines.patch_baseline import PatchBaseline
from bdgf.models.baselines.two_stream_cnn import TwoStreamCNN, TwoStreamSettings
from bdgf.models.patch.model import NetworkModel
from bdgf.models.patch.settings import PatchTrainSettings
from bdgf.models.patch.training import NetworkMaker
from bdgf.raster.patches import SceneTensors
from bdgf.scenes.scene import spectral_names

_Network = Callable[[Any, dict[str, int], list[str], int, int], PatchBaseline]


def _model(name: str, settings: type[Settings], network: _Network) -> NetworkModel:
    def choose(
        prepared: xr.Dataset, train: PatchTrainSettings, own: Settings
    ) -> tuple[PatchTrainSettings, NetworkMaker]:
        spectral, patch = spectral_names(prepared), train.patch

        def make(arrays: SceneTensors, classes: int) -> PatchBaseline:
            return network(own, arrays.modality_channels, spectral, patch, classes)

        return train, make

    def of_config(config: dict[str, Any]) -> PatchBaseline:
        return network(
            settings.model_validate(config["settings"]),
            {modality: int(count) for modality, count in config["modalities"]},
            config["spectral"],
            config["patch"],
            config["classes"],
        )

    def load(weights: Weights) -> PatchBaseline:
        return rebuild(weights, name, of_config, "train again")

    return NetworkModel(name, choose, load, settings)


TWO_STREAM_CNN = _model("two_stream_cnn", TwoStreamSettings, TwoStreamCNN)
MFT = _model("mft", MultimodalTransformerSettings, MultimodalTransformer)
