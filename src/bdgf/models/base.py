"""The interface of every model: fitted on a prepared scene and a split, it predicts probabilities.

The probabilities (K, H, W) of all models go through the same evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import xarray as xr
from pydantic import Field

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.settings import Settings
from bdgf.features.scene_tensors import scene_tensors, with_features
from bdgf.features.source import FeatureSource
from bdgf.raster.patches import SceneTensors
from bdgf.training.devices import DeviceSettings
from bdgf.training.metric_logger import MetricLogger


class PredictionSettings(Settings):
    """How a trained model makes a map. Chosen by this project, not the paper."""

    batch_size: int = Field(256, ge=1, description="Pixels classified at once")
    block_megabytes: int = Field(
        64, ge=1, description="Maximum memory in MB for the embedded maps of one block of rows"
    )
    fusion: str | None = Field(None, description="Fusion rule; null uses the classifier's")
    dihedral: Literal[1, 4, 8] = Field(
        1,
        description="Average over the patch alone (1), with its flips (4), or with flips "
        "and rotations (8)",
    )


@dataclass(frozen=True)
class SceneInputs:
    """What a model sees of a scene.

    Attributes:
        prepared: The prepared scene.
        cube: Its diffusion features, for the models that use them.
        wanted: (H, W) bool, the pixels that a map is asked for; None asks for all valid ones.
    """

    prepared: xr.Dataset
    cube: FeatureSource | None = None
    wanted: np.ndarray | None = None

    @cached_property
    def channels(self) -> SceneTensors:
        """The scene's channels in memory, read once for whoever asks."""
        return scene_tensors(self.prepared)

    @cached_property
    def tensors(self) -> SceneTensors:
        """The channels and, where there is a cube, its features in memory, read once."""
        return self.channels if self.cube is None else with_features(self.channels, self.cube)


@dataclass(frozen=True)
class Execution:
    """How a training runs; nothing of it decides what is learnt.

    Attributes:
        devices: Where to compute and in which precision.
        logger: Takes the curves.
        checkpoints: Keeps the running checkpoint of each training; None keeps none.
    """

    devices: DeviceSettings | None = None
    logger: MetricLogger | None = None
    checkpoints: ArtifactCache | None = None


class TrainedModel(Protocol):
    """A trained model.

    Attributes:
        config: What made it, JSON-serialisable. Every model gives `model` (its name), `seed`,
            `patch` (side in pixels of the window that one pixel's features come from: what leakage
            is computed with), `parameters` (trainable parameters of a network, nodes of a forest,
            support vectors of an SVM) and `history` ((step, value) pairs by curve).
        reads_gaps: Whether it reads diffusion features of cells where a modality is missing.
    """

    reads_gaps: ClassVar[bool]

    @property
    def config(self) -> dict[str, Any]:
        """What made it."""
        ...

    def with_config(self, more: dict[str, Any]) -> TrainedModel:
        """The same model with `more` in its configuration."""
        ...

    def predict_map(
        self,
        inputs: SceneInputs,
        settings: PredictionSettings | None = None,
        devices: DeviceSettings | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """(K, H, W) float32 class probabilities; all 0 on pixels that are invalid or not wanted.

        `progress` is told how many pixels were classified since it was last called.
        """
        ...

    def save(self, path: Path) -> None:
        """Writes it, completely or not at all."""
        ...


def reads_features(model: TrainedModel) -> bool:
    """Whether a model that was trained with diffusion features looks at them.

    It does not where held-out blocks spoke against its guidance (`train.decision.guidance`), nor
    where it has no guide (`train.classifier.guides`).
    """
    guidance = model.config.get("decision", {}).get("guidance")
    kept = guidance is None or bool(guidance["kept"])
    return kept and model.config.get("levels_read") != 0


@runtime_checkable
class VotingModel(Protocol):
    """A trained model of several branches, each of which can be asked alone."""

    def predict_with_votes(
        self,
        inputs: SceneInputs,
        settings: PredictionSettings | None = None,
        devices: DeviceSettings | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """What `predict_map` gives, and (H, W) uint8 the class that each branch says alone."""
        ...


class Model(Protocol):
    """A model that can be trained.

    Attributes:
        name: What `--params model=` calls it.
        settings: The settings that are its own, from the group `baselines`; None where `train`
            holds them all.
    """

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def settings(self) -> type[Settings] | None:
        """Its own settings."""
        ...

    def patch(self, train: Any, own: Any) -> int:
        """Side in pixels of the square that one pixel's features come from, once trained.

        Args:
            train: The group `train`.
            own: Its own settings, an instance of `settings`.
        """
        ...

    def fit(
        self,
        inputs: SceneInputs,
        split: xr.DataArray,
        train: Any,
        own: Any,
        seed: int,
        execution: Execution | None = None,
    ) -> TrainedModel:
        """Trains it.

        Args:
            inputs: What it sees of the scene. Labels of test pixels are not looked at.
            split: Which pixels train and validate.
            train: The group `train`, which all networks share; others do not look at it.
            own: Its own settings, an instance of `settings`.
            seed: Decides every draw.
            execution: How it runs.
        """
        ...

    def load(self, path: Path) -> TrainedModel:
        """Reads what `TrainedModel.save` wrote.

        Raises:
            UserError: A file is missing, damaged or not this model's.
        """
        ...

    def companions(self, path: Path) -> list[Path]:
        """All files that `save` writes for the main file `path`, that one first."""
        ...
