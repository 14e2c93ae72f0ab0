"""A bench of the suite `tiny`, and runs that take no time."""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bdgf.core.errors import SettingsError
from bdgf.experiments.comparison import MEASURES
from bdgf.experiments.executors import LocalExecutor
from bdgf.experiments.map_sketches import MapSketch
from bdgf.experiments.process import FinishedRun, RunProcess
from bdgf.experiments.records import PixelCorrectness, Record
from bdgf.experiments.run_lock import Stopping
from bdgf.experiments.runner import Bench, BenchOptions
from bdgf.experiments.suite import PlannedRun
from bdgf.scenes.classes import ClassTable
from tests.experiments.test_suite import CONFIGURED, resolve


def planned(folder: Path, **chosen: Any) -> Bench:
    """A bench on the demo scene that works in `folder`; `chosen` are its options."""
    given = {"suites": ("tiny",), "scenes": ("demo",), "seeds": (0,)}
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


def sketch() -> MapSketch:
    """A map of one class."""
    ids = np.ones((2, 2), np.uint8)
    return MapSketch(ids, ids, ClassTable.of(["water"]), None)


class QuickRun:
    """In place of `RunProcess`: ends at once."""

    def __init__(self, run: PlannedRun, folder: Path, *others: Any) -> None:
        self.run, self.lock, self.log = run, folder / "lock", folder / "log.txt"

    def whole(self, stopping: Stopping) -> FinishedRun:
        return FinishedRun(*self.finish(stopping), self.map_sketch())

    def finish(self, stopping: Stopping) -> tuple[Record, PixelCorrectness]:
        return finished(self.run)

    def map_sketch(self) -> MapSketch:
        return sketch()

    def clear(self) -> None:
        pass


class EndlessAfterTheFirst(QuickRun):
    """In place of `RunProcess`: the second of a bench never ends."""

    begun = 0

    def finish(self, stopping: Stopping) -> tuple[Record, PixelCorrectness]:
        type(self).begun += 1
        if self.begun > 1:
            stopping.wait()
        return super().finish(stopping)


ATTEMPT = """
import os, sys, time
from pathlib import Path
from bdgf.experiments.watched_run import end_with_parent
folder = Path(sys.argv[1])
number = len(list(folder.glob("attempt-*")))
(folder / ".new").write_text(f"{os.getpid()} {os.getppid()}")
(folder / ".new").rename(folder / f"attempt-{number}")
if number < int(sys.argv[2]):
    end_with_parent(0, last_seconds=0.2)
    time.sleep(600)
"""


class AttemptedRun(RunProcess):
    """Starts a small process, which writes its id and that of its parent to `attempt-<number>`.

    So many attempts as the run's seed says never end.
    """

    def _arguments(self, command: Path) -> list[str]:
        return [sys.executable, "-c", ATTEMPT, str(self.folder), str(self.run.seed)]

    def _result(self, data: Path, seconds: float) -> tuple[Record, PixelCorrectness]:
        return finished(self.run)

    def map_sketch(self) -> MapSketch:
        return sketch()

    def attempt(self, number: int) -> tuple[int, int]:
        """Ids of an attempt's process and of its parent, once there are any."""
        path, end = self.folder / f"attempt-{number}", time.monotonic() + 60
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.05)
        process, parent = path.read_text().split()
        return int(process), int(parent)


class Gone(LocalExecutor):
    """An executor whose scheduler is gone."""

    def finish(self, process: RunProcess, stopping: Stopping) -> FinishedRun:
        raise SettingsError("the dask scheduler is gone")


class NoTracking:
    """In place of `BenchTracking`: tells MLflow nothing."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def open_run(self, run: PlannedRun) -> str:
        return "none"

    def end_run(self, run_id: str, status: str) -> None:
        self.ended.append(status)

    def reused_denoiser(self, run_id: str) -> bool:
        return False
