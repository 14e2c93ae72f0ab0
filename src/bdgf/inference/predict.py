"""A trained model's map of a scene: its probabilities, smoothed where the settings ask for it."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np

from bdgf.inference.settings import InferenceSettings
from bdgf.inference.smoothing import smooth_probabilities
from bdgf.models.base import SceneInputs, TrainedModel
from bdgf.scenes.scene import valid_mask
from bdgf.training.devices import DeviceSettings
from bdgf.training.progress import PIXELS, ProgressBar


def predict(
    model: TrainedModel,
    inputs: SceneInputs,
    settings: InferenceSettings,
    devices: DeviceSettings | None = None,
    *,
    shown: bool = False,
) -> np.ndarray:
    """Classifies every valid pixel of a scene.

    Args:
        model: The trained model.
        inputs: The scene and, for a model that uses them, its diffusion features.
        settings: Settings.
        devices: Where to compute.
        shown: Whether a bar shows how far it is; blocks of a larger map have one for them all.

    Returns:
        (K, H, W) float32 class probabilities; all 0 on pixels that are invalid or not wanted.
    """
    valid = valid_mask(inputs.prepared)
    wanted = valid if inputs.wanted is None else valid & inputs.wanted
    bar = ProgressBar("classifying", int(wanted.sum()), unit=PIXELS) if shown else nullcontext()
    with bar as display:
        progress = display.advance if display is not None else None
        probabilities = model.predict_map(inputs, settings, devices, progress)
    if not settings.smoothing.sigma:
        return probabilities
    return smooth_probabilities(
        probabilities,
        inputs.channels.channels.numpy(),
        wanted,
        settings.smoothing,
    )
