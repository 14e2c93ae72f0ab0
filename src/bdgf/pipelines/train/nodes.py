"""Features guide a Classifier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from bdgf.diffusion.feature_cube import FeatureCube
from bdgf.fingerprint import fingerprint
from bdgf.scenes.scene import LABELS, class_table, valid_mask
from bdgf.tracking import MlflowMetricLogger
from bdgf.training.arrays import resident_arrays
from bdgf.training.devices import DeviceSettings
from bdgf.training.fit import fit_classifier, running_checkpoints
from bdgf.training.train_settings import TrainSettings
from bdgf.weights import Weights


def train_classifier(
    prepared_scene: xr.Dataset,
    feature_cube: FeatureCube,
    split: xr.DataArray,
    parameters: dict[str, Any],
    devices: dict[str, Any],
    working_folder: str,
    dataset: str,
    seed: int,
) -> Weights:
    """Trains the guided branches on the training pixels; validation pixels choose the epoch.

    Args:
        prepared_scene: The prepared scene.
        feature_cube: Its diffusion features.
        split: Which pixels train, validate and test.
        parameters: The group `train`.
        devices: The group `devices`.
        working_folder: Where the running checkpoint is kept, a folder a scene.
        dataset: The scene's name.
        seed: Seed of weights, order, augmentation and dropout.

    Returns:
        The classifier, with what it was made from.
    """
    checkpoint = Path(working_folder) / dataset / "train.ckpt"
    weights = fit_classifier(
        resident_arrays(prepared_scene, feature_cube),
        prepared_scene[LABELS].to_numpy(),
        split.to_numpy(),
        valid_mask(prepared_scene),
        class_table(prepared_scene).count,
        TrainSettings.model_validate(parameters),
        seed,
        devices=DeviceSettings.model_validate(devices),
        logger=MlflowMetricLogger(),
        checkpoint=checkpoint,
    )
    for path in running_checkpoints(checkpoint):
        path.unlink(missing_ok=True)  # a training that ended is repeated, not continued
    made_from = {
        "scene": dataset,
        "model": "bdgf",
        "split": {"name": split.attrs["name"], "seed": split.attrs["seed"]},
        "split_fingerprint": fingerprint(split.to_numpy()),
        "feature_fingerprint": feature_cube.fingerprint,
        "patch": weights.config["classifier"]["patch"],
    }
    return replace(weights, config={**weights.config, **made_from})
