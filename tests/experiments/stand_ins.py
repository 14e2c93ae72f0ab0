"""A bench of the suite `tiny`, and runs that take no time."""

from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from bdgf.experiments.comparison import MEASURES
from bdgf.experiments.map_sketches import MapSketch
from bdgf.experiments.records import PixelCorrectness, Record
from bdgf.experiments.runner import Bench, BenchOptions
from bdgf.experiments.suite import PlannedRun
from bdgf.scenes.classes import ClassTable
from tests.experiments.test_suite import CONFIGURED, resolve


def planned(folder: Path, **chosen: Any) -> Bench:
    """A bench on the demo scene that works in `folder`; `chosen` are its options."""
    given = {"suites": ("tiny",), "scenes": ("demo",), "seeds": (0,), "jobs": 1}
    given |= {"reference": None, "env": "test", "document": folder / "results.md"}

    def here(typed: dict[str, Any]) -> dict[str, Any]:
        return {**resolve(typed), "working_folder": str(folder)}

    options = BenchOptions(**{**given, **chosen})  # type: ignore[arg-type]
    return Bench(options, CONFIGURED, here, lambda line: None)


def finished(run: PlannedRun) -> tuple[Record, PixelCorrectness]:
    """What a run might have come to."""
    metrics = dict.fromkeys((*MEASURES, "leakage"), 0.5)
    split = {"name": "official", "test": 4}
    record = Record(
        run.fingerprint, run.scene, run.seed, "bdgf", run.params, metrics, split,
        1.0, 1, 500, False, "none", "0", "now",
    )  # fmt: skip
    return record, PixelCorrectness(
        np.arange(4, dtype=np.uint32), np.array([True, True, False, False])
    )


class QuickRun:
    """In place of `RunProcess`: ends at once."""

    def __init__(self, run: PlannedRun, folder: Path, *others: Any) -> None:
        self.run = run

    def finish(self, stopping: Event) -> tuple[Record, PixelCorrectness]:
        return finished(self.run)

    def map_sketch(self) -> MapSketch:
        ids = np.ones((2, 2), np.uint8)
        return MapSketch(ids, ids, ClassTable.of(["water"]), None)

    def clear(self) -> None:
        pass


class EndlessAfterTheFirst(QuickRun):
    """In place of `RunProcess`: the second of a bench never ends."""

    begun = 0

    def finish(self, stopping: Event) -> tuple[Record, PixelCorrectness]:
        type(self).begun += 1
        if self.begun > 1:
            stopping.wait()
        return super().finish(stopping)


class NoTracking:
    """In place of `BenchTracking`: tells MLflow nothing."""

    def open_run(self, run: PlannedRun) -> str:
        return "none"

    def reused_denoiser(self, run_id: str) -> bool:
        return False
