"""Where the time goes: `python -m benchmarks.profiling` prints each task's costliest operators."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from torch.profiler import ProfilerActivity, profile

from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.models.patch.predict_map import predict_map
from bdgf.training.devices import make_fabric
from benchmarks.pretraining import tiles_a_second
from benchmarks.scenes import (
    base_settings,
    classifier_for,
    denoiser_weights,
    prepared_scene,
    scene_arrays,
)
from benchmarks.training import samples_a_second

SIDE, ROWS, OPERATORS = 96, 24, 14


def tasks() -> Mapping[str, Callable[[], object]]:
    """What is profiled, small enough to repeat."""
    scene, arrays, weights = prepared_scene((SIDE, SIDE)), scene_arrays(), denoiser_weights()
    strip = scene_arrays((ROWS, arrays.shape[1]))
    classifier, valid = classifier_for(strip), np.ones(strip.shape, bool)
    settings = base_settings("features", FeatureSettings)

    def features() -> None:
        with tempfile.TemporaryDirectory() as folder:
            extract_features(weights, scene, settings, Path(folder) / "a.h5", fabric=make_fabric())

    return {
        "pretraining": lambda: tiles_a_second(scene, steps=2),
        "feature extraction": features,
        "training": lambda: samples_a_second(arrays, "auto", batches=3),
        "inference": lambda: predict_map(classifier, strip, valid),
    }


def shares(function: Callable[[], object]) -> dict[str, float]:
    """Each operator's share of the profiled time, the largest first."""
    function()  # warms up
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        function()
    events = sorted(profiled.key_averages(), key=lambda e: -e.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    return {event.key: event.self_cpu_time_total / total for event in events[:OPERATORS]}


def main() -> None:
    """Prints a table a task."""
    for name, function in tasks().items():
        print(f"\n{name}\n", flush=True)
        for operator, share in shares(function).items():
            print(f"| `{operator}` | {100 * share:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
