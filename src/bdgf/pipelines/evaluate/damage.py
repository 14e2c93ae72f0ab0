"""Maps with one modality spoilt, among the predictions of a scene and in its score."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from bdgf.core.weights import Weights
    from bdgf.evaluation.damage import DamageSettings
    from bdgf.features.extraction import FeatureSettings
    from bdgf.inference.settings import InferenceSettings
    from bdgf.models.base import SceneInputs, TrainedModel
    from bdgf.training.devices import DeviceSettings

DAMAGED = "damaged"
"""The predictions' variable: (damage, y, x) uint8 class ids, 0 where nothing was asked or seen."""

Making = tuple["Weights | None", "FeatureSettings", Path, "DeviceSettings | None"]
"""How features are made: denoiser, settings, folder for the time being, device."""


def changed_inputs(
    inputs: SceneInputs, making: Making, prepared: xr.Dataset
) -> AbstractContextManager[SceneInputs]:
    """What a model sees of a changed scene.

    Args:
        inputs: What it sees of the scene as it is.
        making: How features are made.
        prepared: The changed scene.
    """
    from bdgf.inference.hiding import of_changed_scene

    denoiser, features, folder, devices = making
    asked = "evaluation.damage"
    return of_changed_scene(inputs, prepared, denoiser, features, folder, devices, asked)


def with_damaged(
    predictions: xr.Dataset,
    classifier: TrainedModel,
    inputs: SceneInputs,
    changed: Callable[[xr.Dataset], AbstractContextManager[SceneInputs]],
    damage: DamageSettings,
    settings: InferenceSettings,
    devices: DeviceSettings | None = None,
) -> xr.Dataset:
    """The predictions with the classes of labelled pixels, drawn with one modality spoilt.

    Args:
        predictions: The predictions.
        classifier: The trained model.
        inputs: The scene as the model sees it undamaged.
        changed: Gives what it sees of a changed scene.
        damage: What is spoilt, and how.
        settings: How a map is drawn.
        devices: Where to compute.
    """
    import numpy as np

    from bdgf.inference.damaging import damaged_maps
    from bdgf.scenes.scene import LABELS

    labelled = inputs.prepared[LABELS].to_numpy() > 0
    given = classifier, inputs.prepared, labelled, changed, damage, settings, devices
    maps = dict(damaged_maps(*given))
    if not maps:
        return predictions
    told = {"damages": json.dumps([list(each) for each in maps])}
    drawn = (("damage", "y", "x"), np.stack(list(maps.values())), told)
    return predictions.assign({DAMAGED: drawn})


def damaged_scores(predictions: xr.Dataset, split: xr.DataArray) -> dict[str, Any]:
    """Accuracies of the maps with one modality spoilt, on the test pixels that have data."""
    from bdgf.evaluation.damage import measure_damaged
    from bdgf.scenes.scene import LABELS, class_table, valid_mask
    from bdgf.splits.parts import TEST

    maps = predictions[DAMAGED]
    test = (split.to_numpy() == TEST) & valid_mask(predictions)
    said = {
        (kind, modality): drawn.to_numpy()[test]
        for (kind, modality), drawn in zip(json.loads(maps.attrs["damages"]), maps, strict=True)
    }
    truth = predictions[LABELS].to_numpy()[test]
    return measure_damaged(said, truth, class_table(predictions).count)
