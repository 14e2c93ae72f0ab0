"""A search on the demo scene whose runs take no time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bdgf.experiments.process import RunFailed
from bdgf.experiments.records import PixelCorrectness, Record
from bdgf.experiments.run_lock import Stopping
from bdgf.experiments.suite import PlannedRun
from bdgf.experiments.tuning.search import Search, TuneOptions
from tests.experiments.stand_ins import QuickRun, finished
from tests.experiments.test_suite import resolve

SIGMA = "inference.smoothing.sigma"
RATE = "train.optimization.learning_rate"


def search(folder: Path, lines: list[str] | None = None, **chosen: Any) -> Search:
    """A search that works in `folder`; `chosen` are its options."""

    def here(typed: dict[str, Any]) -> dict[str, Any]:
        return {**resolve(typed), "working_folder": str(folder)}

    options = TuneOptions(**{"scene": "demo", "knobs": (SIGMA, RATE), "env": "test", **chosen})
    say = (lambda line: None) if lines is None else lines.append
    planned = Search(options, here, say)
    planned.folder.mkdir(parents=True, exist_ok=True)
    return planned


def opened(folder: Path, lines: list[str] | None = None, **chosen: Any) -> Search:
    """The same, with its study."""
    planned = search(folder, lines, **chosen)
    planned.open()
    return planned


def value_of(params: Mapping[str, Any]) -> float:
    """What a run with these parameters comes to: best where sigma is 2."""
    sigma = params.get("inference", {}).get("smoothing", {}).get("sigma", 0.0)
    return 0.9 - 0.1 * abs(float(sigma) - 2)


class QuickTrial(QuickRun):
    """In place of `RunProcess`: ends at once, or fails where sigma is above `fails_above`."""

    fails_above: ClassVar[float] = 100.0
    done: ClassVar[list[dict[str, Any]]] = []

    def finish(self, stopping: Stopping) -> tuple[Record, PixelCorrectness]:
        value = value_of(self.run.params)
        if self.run.params["inference"]["smoothing"]["sigma"] > self.fails_above:
            raise RunFailed("too smooth")
        self.done.append(self.run.params)
        record, correctness = finished(self.run)
        return replace(record, metrics=dict.fromkeys(record.metrics, value)), correctness


class EndlessAfterTheSecond(QuickTrial):
    """In place of `RunProcess`: the third of a search never ends."""

    def finish(self, stopping: Stopping) -> tuple[Record, PixelCorrectness]:
        if len(self.done) == 2:
            stopping.wait()
        return super().finish(stopping)


class NoSearchTracking:
    """In place of `SearchTracking`: tells MLflow nothing; gives each run the curve `curves[n]`."""

    def __init__(self, curves: Sequence[Sequence[tuple[int, float]]] = ()) -> None:
        self.opened, self.curves = 0, curves
        self.pruned: list[str] = []
        self.ended: list[str] = []

    def open_run(self, run: PlannedRun) -> str:
        self.opened += 1
        return str(self.opened - 1)

    def curve(self, run_id: str, measure: str) -> Sequence[tuple[int, float]]:
        number = int(run_id) if run_id.isdecimal() else len(self.curves)
        return self.curves[number] if number < len(self.curves) else []

    def mark_pruned(self, run_id: str) -> None:
        self.pruned.append(run_id)

    def end_run(self, run_id: str, status: str) -> None:
        self.ended.append(status)

    def log_best(self, measure: str, value: float, trials: int) -> None:
        assert np.isfinite(value)
