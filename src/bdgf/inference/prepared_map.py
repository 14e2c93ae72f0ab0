"""The map of a prepared scene that does not fit into memory, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bdgf.features.prepared_window import classifier_reach, read_window
from bdgf.inference.predict import predict
from bdgf.inference.smoothing import smoothing_reach
from bdgf.models.base import SceneInputs, TrainedModel
from bdgf.raster.windows import Window, blocks
from bdgf.scenes.scene import valid_mask
from bdgf.training.progress import ProgressBar

if TYPE_CHECKING:
    from bdgf.inference.settings import InferenceSettings
    from bdgf.training.devices import DeviceSettings

_SIDE, _GUIDED_SIDE = 512, 256
"""Side of a block in pixels: without diffusion features, and with them."""


def predict_blocks(
    model: TrainedModel,
    inputs: SceneInputs,
    settings: InferenceSettings,
    devices: DeviceSettings | None = None,
    side: int | None = None,
) -> Iterator[tuple[Window, np.ndarray]]:
    """Classifies every valid pixel, as `predict` does of a scene in memory.

    Args:
        model: The trained model.
        inputs: The scene and its features; both may stay in their files.
        settings: Settings.
        devices: Where to compute.
        side: Side of a block in pixels; None chooses.

    Yields:
        Each block, and (K, h, w) float32 class probabilities there; 0 on invalid pixels.
    """
    prepared, cube = inputs.prepared, inputs.cube
    shape = (prepared.sizes["y"], prepared.sizes["x"])
    near = smoothing_reach(settings.smoothing)
    levels = cube.levels if cube is not None else ()
    reach = classifier_reach(int(model.config["patch"]), levels) + near
    side = side or (_SIDE if cube is None else _GUIDED_SIDE)
    count = int(model.config["classes"])
    done, total = 0, shape[0] * shape[1]
    with ProgressBar("mapping the scene", total, unit="pixels") as bar:
        for window in blocks(shape, side):
            yield window, _block(model, inputs, window, reach, near, count, settings, devices)
            done += window.shape[0] * window.shape[1]
            bar.update(done)


def _block(
    model: TrainedModel,
    inputs: SceneInputs,
    window: Window,
    reach: int,
    near: int,
    count: int,
    settings: InferenceSettings,
    devices: DeviceSettings | None,
) -> np.ndarray:
    read = read_window(inputs.prepared, inputs.cube, window, reach)
    valid = valid_mask(read.prepared)
    if not valid[read.core.index].any():
        return np.zeros((count, *window.shape), np.float32)
    wanted = np.zeros(valid.shape, bool)
    wanted[read.core.grown(near, valid.shape).index] = True
    part = replace(inputs, prepared=read.prepared, cube=read.features, wanted=wanted)
    drawn = predict(model, part, settings, devices)
    return np.ascontiguousarray(drawn[:, *read.core.index])
