"""What glibc's habit of giving memory back costs, and what sparing it gains.

`python -m benchmarks.allocator plain|kept` measures the rates in one process.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from benchmarks.children import run_child
from benchmarks.comparison import FEW_ROUNDS, Comparison

# Argument of the child, and its environment.
SETTINGS: dict[str, tuple[str, dict[str, str]]] = {
    "glibc's defaults": ("plain", {}),
    "bdgf": ("kept", {}),
}
TASKS = {
    "pretraining": "tiles/s",
    "training": "samples/s",
    "inference": "pixels/s",
    "page faults of all": "thousands",
}


def compare() -> list[Comparison]:
    """The rates with each setting."""
    values: dict[str, dict[str, list[float]]] = {
        task: {name: [] for name in SETTINGS} for task in TASKS
    }
    for _ in range(FEW_ROUNDS):
        for name, (argument, environment) in SETTINGS.items():
            found = run_child("benchmarks.allocator", argument, **environment)
            for task in TASKS:
                values[task][name].append(found[task])
    return [
        Comparison(f"allocator: {task}", unit, values[task], more_is_better=unit.endswith("/s"))
        for task, unit in TASKS.items()
    ]


def measure() -> dict[str, float]:
    """The rates in this process, and its page faults."""
    import numpy as np

    from bdgf.models.patch.predict_map import predict_map
    from benchmarks.pretraining import tiles_a_second
    from benchmarks.scenes import classifier_for, prepared_scene, scene_arrays
    from benchmarks.training import samples_a_second

    scene, arrays, rows = prepared_scene((96, 96)), scene_arrays((96, 96)), 16
    strip = scene_arrays((rows, 224))
    classifier, valid = classifier_for(strip), np.ones((rows, 224), bool)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    found = {
        "pretraining": tiles_a_second(scene, steps=2),
        "training": samples_a_second(arrays, "auto", batches=3),
    }
    predict_map(classifier, strip, valid)  # warms up
    start = time.perf_counter()
    predict_map(classifier, strip, valid)
    found["inference"] = valid.size / (time.perf_counter() - start)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    return found | {"page faults of all": faults / 1e3}


if __name__ == "__main__":
    if sys.argv[1] == "plain":
        from bdgf.training import devices

        devices.keep_freed_memory = lambda: False  # type: ignore[assignment]
    print(json.dumps(measure()))
