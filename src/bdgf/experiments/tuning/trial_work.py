"""What a trial of a search does: its runs, one a seed, and how they are judged."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from statistics import fmean
from threading import Event, Lock
from typing import TYPE_CHECKING

from bdgf.core.errors import SettingsError
from bdgf.experiments.executors import LocalExecutor, RunExecutor
from bdgf.experiments.local_executor import keep_busy
from bdgf.experiments.process import RunFailed, RunProcess, RunStopped
from bdgf.experiments.records import Record
from bdgf.experiments.suite import PlannedRun
from bdgf.experiments.tuning.pruning import TrialWatch
from bdgf.experiments.tuning.search import Search
from bdgf.experiments.tuning.tracking import SearchTracking
from bdgf.models.registry import model_entry
from bdgf.training.progress import format_seconds

if TYPE_CHECKING:
    from optuna.trial import Trial

MEASURES = {"average_accuracy": "AA", "overall_accuracy": "OA", "kappa": "kappa"}
"""What a search may maximise, with the short names."""


def do_trials(
    search: Search, count: int, tracking: SearchTracking, executor: RunExecutor | None = None
) -> int:
    """Does `count` trials of a search, several at a time.

    Args:
        search: The search, which is open.
        count: How many.
        tracking: The search in MLflow.
        executor: Who processes their runs; None for this machine.

    Returns:
        How many failed; each was told in a line.
    """
    executor = executor or LocalExecutor.of(search.options.where)
    work, left = _TrialWork(search, tracking, executor, count), iter(range(count))

    def take(running: Iterable[Trial]) -> Trial | None:
        # One at a time, they are drawn as if none had ever been beside another.
        return search.study.ask(beside=any(running)) if next(left, None) is not None else None

    keep_busy(take, executor.slots, work, most=count)
    return work.failed


class _Pruned(Exception):  # noqa: N818 - names the event
    """A trial was given up."""


class _TrialWork:
    """Does one trial after another, possibly from several threads.

    Attributes:
        failed: Trials that failed so far.
    """

    def __init__(
        self, search: Search, tracking: SearchTracking, executor: RunExecutor, count: int
    ) -> None:
        """Takes the search, its MLflow runs, who processes its runs, and how many trials come."""
        self._search, self._tracking, self._count = search, tracking, count
        self._executor = executor
        self._lock, self._done, self.failed = Lock(), 0, 0
        self._started = time.monotonic()

    def __call__(self, trial: Trial, stopping: Event) -> None:
        """Does one trial and tells the study what it came to; `stopping` ends it early."""
        search, study = self._search, self._search.study
        records: list[Record] = []
        try:
            for run in (runs := self._runs(trial)):
                records.append(self._record(trial, run, stopping, judge=run is runs[0]))
            value = self._value(records)
        except RunStopped:
            return  # still under way in the study: done again by the next search
        except _Pruned:
            study.tell(trial, None, pruned=True)
            self._tell(trial, "given up, worse than most")
            return
        except RunFailed as error:
            study.note(trial, error=str(error))
            study.tell(trial, None)
            self._tell(trial, f"FAILED: {error}", failed=True)
            return
        study.note(
            trial,
            scores=[record.metrics[search.options.measure] for record in records],
            seconds=sum(record.seconds for record in records),
            mlflow_runs=[record.mlflow_run for record in records],
        )
        study.tell(trial, value)
        self._tell(trial, shown(search.options.measure, value))

    def _runs(self, trial: Trial) -> list[PlannedRun]:
        search = self._search
        try:
            return search.runs(search.study.values(trial), str(trial.number))
        except SettingsError as error:  # the values do not fit each other
            raise RunFailed(str(error)) from error

    def _value(self, records: Sequence[Record]) -> float:
        measure = self._search.options.measure
        value = fmean(record.metrics[measure] for record in records)
        if not math.isfinite(value):  # kappa, where one class alone was held out and found
            raise RunFailed(f"its {measure} is no number; choose another --measure")
        return value

    def _record(self, trial: Trial, run: PlannedRun, stopping: Event, judge: bool) -> Record:
        """The result of one run, done now where it is not recorded."""
        search = self._search
        found = search.records.read(run.fingerprint)
        mlflow_run = found[0].mlflow_run if found else self._tracking.open_run(run)
        watch = self._watch(trial, run, mlflow_run, stopping) if judge else None
        record = found[0] if found else self._finished(run, mlflow_run, watch, stopping)
        if watch is not None:
            watch.look()
            if watch.pruned:
                if not found:  # else it is the run of an earlier trial, too
                    self._tracking.mark_pruned(mlflow_run)
                raise _Pruned
        return record

    def _finished(
        self, run: PlannedRun, mlflow_run: str, watch: TrialWatch | None, stopping: Event
    ) -> Record:
        search = self._search
        folder = search.folder / "runs" / run.fingerprint
        env, executor = search.options.env, self._executor
        process = RunProcess(run, folder, env, executor.threads, mlflow_run, executor.project)
        try:
            finished = executor.finish(process, watch or stopping)
        except RunStopped:
            if watch is not None and watch.pruned:
                self._tracking.mark_pruned(mlflow_run)
                process.clear()
                raise _Pruned from None
            self._tracking.end_run(mlflow_run, "KILLED")
            raise
        except RunFailed:
            self._tracking.end_run(mlflow_run, "FAILED")
            raise
        except BaseException:  # such as a scheduler that is gone
            self._tracking.end_run(mlflow_run, "KILLED")
            raise
        search.records.write(finished.record, finished.correctness)
        process.clear()
        return finished.record

    def _watch(
        self, trial: Trial, run: PlannedRun, mlflow_run: str, stopping: Event
    ) -> TrialWatch | None:
        search = self._search
        options, train = search.options, search.resolved(run.params)["train"]
        if not (options.prune and model_entry(options.model).looks_at("train.epochs")):
            return None
        return TrialWatch(
            stopping,
            lambda: self._tracking.curve(mlflow_run, options.measure),
            train["epochs"] * train["batches_per_epoch"],
            lambda tenth, value: search.study.worse_than_most(trial, tenth, value),
        )

    def _tell(self, trial: Trial, what: str, failed: bool = False) -> None:
        search, best = self._search, self._search.study.best()
        with self._lock:
            self._done += 1
            self.failed += failed
            parts = [f"[{self._done}/{self._count}] trial {trial.number}: {what}"]
            if best is not None and best.value is not None:
                value = shown(search.options.measure, best.value)
                parts.append(f"best: {value} (trial {best.number})")
                self._tracking.log_best(search.options.measure, best.value, trial.number)
            if left := self._count - self._done:
                seconds = (time.monotonic() - self._started) / self._done * left
                parts.append(f"about {format_seconds(seconds)} left")
            search.say("; ".join(parts))


def shown(measure: str, value: float) -> str:
    """A value of a measure as people read it: `AA 81.25 %`."""
    return f"{MEASURES[measure]} {100 * value:.2f} %"
