"""A trained model's map of a scene: its probabilities, smoothed where the settings ask for it."""

from __future__ import annotations

import numpy as np

from bdgf.inference.settings import InferenceSettings
from bdgf.inference.smoothing import smooth_probabilities
from bdgf.models.base import SceneInputs, TrainedModel
from bdgf.scenes.scene import valid_mask
from bdgf.training.devices import DeviceSettings


def predict(
    model: TrainedModel,
    inputs: SceneInputs,
    settings: InferenceSettings,
    devices: DeviceSettings | None = None,
) -> np.ndarray:
    """Classifies every valid pixel of a scene.

    Args:
        model: The trained model.
        inputs: The scene and, for a model that uses them, its diffusion features.
        settings: Settings.
        devices: Where to compute.

    Returns:
        (K, H, W) float32 class probabilities; all 0 on pixels that are invalid or not wanted.
    """
    probabilities = model.predict_map(inputs, settings, devices)
    if not settings.smoothing.sigma:
        return probabilities
    valid = valid_mask(inputs.prepared)
    return smooth_probabilities(
        probabilities,
        inputs.channels.channels.numpy(),
        valid if inputs.wanted is None else valid & inputs.wanted,
        settings.smoothing,
    )
