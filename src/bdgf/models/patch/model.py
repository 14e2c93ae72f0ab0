"""Models that are patch networks, all trained by the same loop with the same settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from bdgf.core.settings import Settings
from bdgf.core.weights import Weights, read_weights, weights_files, write_weights
from bdgf.features.mapped_tensors import mapped_tensors
from bdgf.features.prepared_window import fits_into_memory
from bdgf.models.base import Execution, PredictionSettings, SceneInputs
from bdgf.models.patch.fit import fit_classifier
from bdgf.models.patch.network import PatchNetwork
from bdgf.models.patch.predict_map import predict_map, predict_with_votes
from bdgf.models.patch.training import NetworkPlan
from bdgf.scenes.scene import LABELS, class_table, valid_mask
from bdgf.training.devices import DeviceSettings

NetworkChoice = Callable[[xr.Dataset, Any, Any], NetworkPlan]
"""(prepared scene, shared settings, own settings) -> shared settings to train with, network."""


@dataclass(frozen=True)
class NetworkModel:
    """A `Model` whose network is trained by `fit_classifier`; the epoch is chosen as for BDGF.

    Attributes:
        name: The model's name.
        choose: Makes the network.
        rebuild: Makes the network of stored weights, in evaluation mode.
        settings: Settings of its own, or None.
        choose_unguided: Makes the same network without guidance, where it has some.
    """

    name: str
    choose: NetworkChoice
    rebuild: Callable[[Weights], PatchNetwork]
    settings: type[Settings] | None = None
    choose_unguided: NetworkChoice | None = None

    def patch(self, train: Any, own: Any) -> int:
        """That of all networks: see `Model.patch`."""
        return int(train.patch)

    def fit(
        self,
        inputs: SceneInputs,
        split: xr.DataArray,
        train: Any,
        own: Any,
        seed: int,
        execution: Execution | None = None,
    ) -> TrainedNetwork:
        """Trains it: see `Model.fit` and `fit_classifier`."""
        execution = execution or Execution()
        prepared = inputs.prepared
        settings, make_network = self.choose(prepared, train, own)
        if fits_into_memory(prepared, inputs.cube, execution.devices):
            tensors = inputs.tensors
        else:
            scratch = execution.checkpoints.folder if execution.checkpoints else None
            tensors = mapped_tensors(prepared, inputs.cube, scratch)
        weights = fit_classifier(
            tensors,
            prepared[LABELS].to_numpy(),
            split.to_numpy(),
            valid_mask(prepared),
            class_table(prepared).count,
            settings,
            seed,
            make_network,
            unguided=self.choose_unguided and self.choose_unguided(prepared, train, own),
            devices=execution.devices,
            logger=execution.logger,
            checkpoints=execution.checkpoints,
        )
        made_from: dict[str, Any] = {"model": self.name}
        if self.settings is not None:
            made_from["baselines"] = {self.name: own.model_dump(mode="json")}
        return TrainedNetwork(weights, self.rebuild).with_config(made_from)

    def load(self, path: Path) -> TrainedNetwork:
        """Reads what `TrainedNetwork.save` wrote."""
        return TrainedNetwork(read_weights(path), self.rebuild)

    def companions(self, path: Path) -> list[Path]:
        """The safetensors file and its JSON."""
        return weights_files(path)


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network: its weights, and how its network is made of them."""

    reads_gaps: ClassVar[bool] = False
    weights: Weights
    rebuild: Callable[[Weights], PatchNetwork]

    @property
    def config(self) -> dict[str, Any]:
        """What made it."""
        return self.weights.config

    def with_config(self, more: dict[str, Any]) -> TrainedNetwork:
        """The same network with `more` in its configuration."""
        return replace(self, weights=replace(self.weights, config={**self.config, **more}))

    def predict_map(
        self,
        inputs: SceneInputs,
        settings: PredictionSettings | None = None,
        devices: DeviceSettings | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """(K, H, W) float32 class probabilities; all 0 on pixels that are invalid or not wanted."""
        return predict_map(
            self._network,
            inputs.tensors,
            valid_mask(inputs.prepared),
            settings,
            devices=devices,
            wanted=inputs.wanted,
            progress=progress,
        )

    def predict_with_votes(
        self,
        inputs: SceneInputs,
        settings: PredictionSettings | None = None,
        devices: DeviceSettings | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """What `predict_map` gives, and (H, W) uint8 the class that each branch says alone."""
        return predict_with_votes(
            self._network,
            inputs.tensors,
            valid_mask(inputs.prepared),
            settings,
            devices=devices,
            wanted=inputs.wanted,
            progress=progress,
        )

    @cached_property
    def _network(self) -> PatchNetwork:
        return self.rebuild(self.weights)

    def save(self, path: Path) -> None:
        """Writes safetensors and JSON."""
        write_weights(self.weights, path)
