"""Maps a prepared scene that does not fit into memory, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bdgf.features.prepared_window import classifier_reach, read_window
from bdgf.inference.predict import predict_core
from bdgf.inference.smoothing import smoothing_reach
from bdgf.models.base import SceneInputs, TrainedModel
from bdgf.raster.windows import Window, blocks
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
    """Classifies every valid pixel, like `predict` for a scene in memory.

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
    levels = cube.levels if cube is not None else ()
    reach = classifier_reach(int(model.config["patch"]), levels)
    reach += smoothing_reach(settings.smoothing)
    side = side or (_SIDE if cube is None else _GUIDED_SIDE)
    done, total = 0, shape[0] * shape[1]
    with ProgressBar("mapping the scene", total, unit="pixels") as bar:
        for window in blocks(shape, side):
            read = read_window(prepared, cube, window, reach)
            part = replace(inputs, prepared=read.prepared, cube=read.features)
            yield window, predict_core(model, part, read.core, settings, devices)
            done += window.shape[0] * window.shape[1]
            bar.update(done)
