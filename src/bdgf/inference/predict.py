"""A trained model's map of a scene: its probabilities, smoothed on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from bdgf.inference.settings import InferenceSettings
from bdgf.inference.smoothing import smooth_probabilities, smoothing_reach
from bdgf.models.base import SceneInputs, TrainedModel, VotingModel
from bdgf.raster.windows import Window
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
    with _bar(inputs, shown) as progress:
        probabilities = model.predict_map(inputs, settings, devices, progress)
    return _smoothed(probabilities, inputs, settings)


def predict_core(
    model: TrainedModel,
    inputs: SceneInputs,
    core: Window,
    settings: InferenceSettings,
    devices: DeviceSettings | None = None,
) -> np.ndarray:
    """Classifies a window of a scene as `predict` does of the whole.

    Args:
        model: The trained model.
        inputs: The window and what lies within the classifier's reach around it.
        core: Where the window lies in them.
        settings: Settings.
        devices: Where to compute.

    Returns:
        (K, h, w) float32 class probabilities of the window; 0 on invalid pixels.
    """
    valid = valid_mask(inputs.prepared)
    if not valid[core.index].any():
        return np.zeros((int(model.config["classes"]), *core.shape), np.float32)
    wanted = np.zeros(valid.shape, bool)
    wanted[core.grown(smoothing_reach(settings.smoothing), valid.shape).index] = True
    drawn = predict(model, replace(inputs, wanted=wanted), settings, devices)
    return np.ascontiguousarray(drawn[:, *core.index])


def predict_with_votes(
    model: TrainedModel,
    inputs: SceneInputs,
    settings: InferenceSettings,
    devices: DeviceSettings | None = None,
    *,
    shown: bool = False,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The result of `predict`, and each branch's votes from the same pass.

    Returns:
        The probabilities, and by the branch's name (H, W) uint8 class ids 1..K, not smoothed, 0
        on pixels that are invalid or not wanted; none of a model without branches.
    """
    if not isinstance(model, VotingModel):
        return predict(model, inputs, settings, devices, shown=shown), {}
    with _bar(inputs, shown) as progress:
        probabilities, votes = model.predict_with_votes(inputs, settings, devices, progress)
    return _smoothed(probabilities, inputs, settings), votes


@contextmanager
def _bar(inputs: SceneInputs, shown: bool) -> Iterator[Callable[[int], None] | None]:
    # A bar with pixels per second; gives what moves it on.
    if not shown:
        yield None
        return
    with ProgressBar("classifying", int(_wanted(inputs).sum()), unit=PIXELS) as display:
        yield display.advance


def _wanted(inputs: SceneInputs) -> np.ndarray:
    valid = valid_mask(inputs.prepared)
    return valid if inputs.wanted is None else valid & inputs.wanted


def _smoothed(
    probabilities: np.ndarray, inputs: SceneInputs, settings: InferenceSettings
) -> np.ndarray:
    if not settings.smoothing.sigma:
        return probabilities
    return smooth_probabilities(
        probabilities,
        inputs.channels.channels.numpy(),
        _wanted(inputs),
        settings.smoothing,
    )
