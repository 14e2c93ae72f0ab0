"""A PreparedScene, its Split and, where the model asks for them, features become a Classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.errors import MissingArtifactError
from bdgf.core.fingerprint import fingerprint
from bdgf.features.cube import FeatureCube
from bdgf.framework.mlflow_logger import MlflowMetricLogger, logged_seconds
from bdgf.models.base import Execution, SceneInputs, TrainedModel
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.registry import model_entry
from bdgf.training.devices import DeviceSettings

KEPT_CHECKPOINTS = 24
"""Of a scene, how many running checkpoints of trainings that nobody goes on with stay."""


def train_classifier(
    prepared_scene: xr.Dataset,
    split: xr.DataArray,
    model: str,
    parameters: dict[str, Any],
    baselines: dict[str, Any],
    devices: dict[str, Any],
    working_folder: str,
    dataset: str,
    seed: int,
    feature_cube: FeatureCube | None = None,
) -> TrainedModel:
    """Trains a model on the training pixels; what it chooses, it chooses on validation pixels.

    Args:
        prepared_scene: The prepared scene.
        split: Which pixels train, validate and test.
        model: The model's name.
        parameters: The group `train`.
        baselines: The group `baselines`.
        devices: The group `devices`.
        working_folder: Where the running checkpoints are kept, a folder a scene.
        dataset: The scene's name.
        seed: Seed of every draw.
        feature_cube: The scene's diffusion features, for the models that use them.

    Returns:
        The classifier, with what it was made from.

    Raises:
        MissingArtifactError: The model needs features and there are none.
    """
    entry = model_entry(model)
    if entry.uses_features and feature_cube is None:
        raise MissingArtifactError(
            f"model '{model}' needs diffusion features; run: "
            f"kedro run --pipeline=train --params dataset={dataset},model={model}"
        )
    chosen, cube = entry.model(), feature_cube if entry.uses_features else None
    own = chosen.settings.model_validate(baselines[model]) if chosen.settings else None
    with logged_seconds("fit"):
        trained = chosen.fit(
            SceneInputs(prepared_scene, cube),
            split,
            TrainSettings.model_validate(parameters),
            own,
            seed,
            Execution(
                DeviceSettings.model_validate(devices),
                MlflowMetricLogger(),
                ArtifactCache(Path(working_folder) / dataset / "trainings", KEPT_CHECKPOINTS),
            ),
        )
    return trained.with_config(
        {
            "scene": dataset,
            "split": {"name": split.attrs["name"], "seed": split.attrs["seed"]},
            "split_fingerprint": fingerprint(split.to_numpy()),
            "feature_fingerprint": cube.fingerprint if cube else None,
        }
    )
