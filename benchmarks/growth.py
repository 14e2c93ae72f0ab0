"""A pixel of a large scene's map beside one of a small scene's, in turn in one process.

Runs of different lengths (`benchmarks.scale_curves`) meet a machine that is not equally fast all
the time. Here both sizes meet the same.
"""

from __future__ import annotations

import time

import numpy as np

from bdgf.inference.settings import InferenceSettings
from bdgf.models.patch.predict_map import predict_map
from bdgf.raster.patches import SceneTensors
from benchmarks.comparison import FEW_ROUNDS, Comparison
from benchmarks.scenes import base_settings, classifier_for, scene_arrays

SMALL, LARGE = 224, 2000
PIXELS = 30_000
"""Of a scene that are classified in a round, in whole rows of its middle."""
LINEAR = 1 / 1.1
"""What a pixel of the large scene may cost more: a tenth."""


def compare() -> list[Comparison]:
    """Processor time per pixel."""
    scenes = {f"{side}x{side} px": scene_arrays((side, side)) for side in (SMALL, LARGE)}
    classifier = classifier_for(next(iter(scenes.values()))).eval()
    settings = base_settings("inference", InferenceSettings)

    def elapsed(arrays: SceneTensors, rows: int) -> float:
        side = arrays.shape[0]
        wanted = np.zeros(arrays.shape, bool)
        wanted[(side - rows) // 2 :][:rows] = True
        started = time.process_time()
        predict_map(classifier, arrays, np.ones(arrays.shape, bool), settings, wanted=wanted)
        return time.process_time() - started

    def microseconds(arrays: SceneTensors) -> float:
        side = arrays.shape[0]
        rows = PIXELS // side
        return 1e6 * (elapsed(arrays, rows + 1) - elapsed(arrays, 1)) / (rows * side)

    values: dict[str, list[float]] = {name: [] for name in scenes}
    for turn in range(1 + FEW_ROUNDS):
        for name, arrays in scenes.items():
            cost = microseconds(arrays)
            if turn:  # the first call of each warms up
                values[name].append(cost)
    return [
        Comparison(
            "a pixel of a whole map, processor time",
            "microseconds/pixel",
            values,
            target=LINEAR,
            note=f"{PIXELS:,} pixels a round, less what a single row takes: masks and zeros of the "
            "whole scene are made once.",
        )
    ]
