"""The search: what is tried, each trial's runs, and how they are judged."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from bdgf.core.errors import SettingsError
from bdgf.core.fingerprint import fingerprint
from bdgf.experiments.executors import shared_threads
from bdgf.experiments.process import RunFailed, RunProcess, RunStopped
from bdgf.experiments.records import Record, RecordFolder
from bdgf.experiments.suite import PlannedRun, Resolve, Suite, nested, plan_suite
from bdgf.experiments.tuning.pruning import TrialWatch
from bdgf.experiments.tuning.space import Knob, search_space
from bdgf.experiments.tuning.study import SearchStudy
from bdgf.experiments.tuning.tracking import SearchTracking
from bdgf.framework.mlflow_names import flatten
from bdgf.models.registry import model_entry
from bdgf.training.progress import format_seconds

if TYPE_CHECKING:
    from optuna.trial import Trial

MEASURES = {"average_accuracy": "AA", "overall_accuracy": "OA", "kappa": "kappa"}
"""What a search may maximise, with the short names."""

SPLIT = "training_blocks"
"""The split that trials are judged on: it holds out training pixels alone."""
_DECIDED = {
    "dataset": "--scene decides it",
    "model": "--model decides it",
    "seed": "--seeds decides it",
    "split.name": f"a search is judged on {SPLIT}, not on test pixels",
}
"""Parameters that --params cannot set here, and why."""
_PATCH, _BUFFER = "train.classifier.patch", "split.buffer"
_SUITE = "tune"


@dataclass(frozen=True)
class TuneOptions:
    """The user's request.

    Attributes:
        scene: Name of the scene.
        model: Name of the model.
        trials: How many trials the search is to have in all.
        jobs: Trials at a time.
        seeds: Each trial is run with each of them; the mean counts.
        knobs: Names of knobs or of groups of them; none for all that the model looks at.
        measure: What is maximised, one of `MEASURES`.
        params: Parameters set for all trials, nested.
        prune: Whether trials that are worse than most are given up early.
        env: Kedro's environment; None for the default one.
    """

    scene: str
    model: str = "bdgf"
    trials: int = 50
    jobs: int = 1
    seeds: tuple[int, ...] = (0,)
    knobs: tuple[str, ...] = ()
    measure: str = "average_accuracy"
    params: Mapping[str, Any] = field(default_factory=dict)
    prune: bool = True
    env: str | None = None


class Search:
    """A search as it was asked for.

    Attributes:
        options: What was asked for.
        knobs: What is turned.
        folder: Where all of its files are.
        study: The trials; opened by `open`.
        parameters: All parameters of the first trial, nested.
    """

    study: SearchStudy

    def __init__(self, options: TuneOptions, resolve: Resolve, say: Callable[[str], None]) -> None:
        """Plans the search.

        Args:
            options: What was asked for.
            resolve: Gives all parameters of a run from its runtime parameters.
            say: Takes what the user reads, a line at a time.

        Raises:
            SettingsError: The scene, the model, a knob or a parameter is unknown or wrong.
        """
        self.options, self.say, self._resolve = options, say, resolve
        fixed = flatten(options.params)
        for name in fixed:
            if name in _DECIDED:
                raise SettingsError(f"--params cannot set {name} here: {_DECIDED[name]}")
        model_entry(options.model)
        start = resolve({**options.params, "dataset": options.scene, "model": options.model})
        self.knobs = search_space(options.model, start, options.knobs, fixed)
        self._given = {**fixed, **_judged(options, start, self.knobs)}
        self.parameters = resolve(
            self.runs({k.name: k.configured for k in self.knobs}, "")[0].params
        )
        self.folder = Path(start["working_folder"]) / "tune" / options.scene
        self.records = RecordFolder(self.folder / "records")

    @property
    def name(self) -> str:
        """The search's name: the model, and a digest of all that makes trials comparable.

        The configured values of the knobs are no part of it: after the best ones were put into the
        configuration the search is still the same.
        """
        lowest = {k.name: (k.range.choices or (_number(k, k.range.low),))[0] for k in self.knobs}
        runs = [run.fingerprint for run in self.runs(lowest, "name")]
        space = [(knob.name, str(knob.range)) for knob in self.knobs]
        told = fingerprint(runs, space, self.options.measure, self.options.prune)
        return f"{self.options.model}-{told}"

    def open(self) -> None:
        """Opens the study; nobody else may have it open."""
        path = self.folder / "trials.db"
        self.study = SearchStudy(path, self.name, self.knobs, parallel=self.options.jobs > 1)

    def runs(self, values: Mapping[str, Any], trial: str) -> list[PlannedRun]:
        """The runs of a trial, one a seed.

        Args:
            values: The knobs' values by dotted name.
            trial: Names the trial.

        Raises:
            SettingsError: The values do not fit each other.
        """
        params = {**self._given, **values}
        name = f"trial {trial}"
        suite = Suite.model_validate(
            {
                "title": _SUITE,
                "reference": name,
                "variants": [{"name": name, "model": self.options.model, "params": params}],
            }
        )
        return plan_suite(_SUITE, suite, [self.options.scene], self.options.seeds, self._resolve)

    def resolved(self, typed: dict[str, Any]) -> dict[str, Any]:
        """All parameters, with those that are typed."""
        return self._resolve(typed)

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a trial changes, and what was typed for all, nested: without what judges it."""
        return nested({**flatten(self.options.params), **values})

    def to_do(self) -> int:
        """How many trials are missing."""
        return max(0, self.options.trials - len(self.study.finished()))

    def run(self, count: int, tracking: SearchTracking) -> int:
        """Does `count` trials, several at a time.

        Returns:
            How many failed; each was told in a line.
        """
        work, stopping = _Work(self, tracking, count), Event()
        running: set[Future[None]] = set()
        begun, jobs = 0, self.options.jobs
        with ThreadPoolExecutor(jobs) as pool:
            try:
                while begun < count or running:
                    while begun < count and len(running) < jobs:
                        running.add(pool.submit(work, self.study.ask(), stopping))
                        begun += 1
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        running.remove(future)
                        future.result()
            except BaseException:  # an interruption too: no process is left behind
                stopping.set()
                raise
        return work.failed


class _Pruned(Exception):  # noqa: N818 - names the event
    """A trial was given up."""


class _Work:
    """Does one trial after another, possibly from several threads."""

    def __init__(self, search: Search, tracking: SearchTracking, count: int) -> None:
        self._search, self._tracking, self._count = search, tracking, count
        self._lock, self._done, self.failed = Lock(), 0, 0
        self._started, self._threads = time.monotonic(), shared_threads(search.options.jobs)

    def __call__(self, trial: Trial, stopping: Event) -> None:
        search, study = self._search, self._search.study
        records: list[Record] = []
        try:
            runs = search.runs(study.values(trial), str(trial.number))
            for run in runs:
                records.append(self._record(trial, run, stopping, judge=run is runs[0]))
            value = self._value(records)
        except RunStopped:
            return  # still under way in the study: done again by the next search
        except _Pruned:
            study.tell(trial, None, pruned=True)
            self._tell(trial, "given up, worse than most")
            return
        except (RunFailed, SettingsError) as error:
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
        process = RunProcess(run, folder, search.options.env, self._threads, mlflow_run)
        try:
            record, correctness = process.finish(watch or stopping)
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
        search.records.write(record, correctness)
        process.clear()
        return record

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


def _judged(
    options: TuneOptions, parameters: Mapping[str, Any], knobs: Sequence[Knob]
) -> dict[str, Any]:
    """What all trials are judged on, by dotted name: the same pixels, whatever their patch."""
    from bdgf.models.patch.selection import SelectionSettings

    patches = [knob.range.high for knob in knobs if knob.name == _PATCH]
    widest = int(max([parameters["train"]["classifier"]["patch"], *patches]))
    judged = {
        "split.name": SPLIT,
        _BUFFER: max(parameters["split"]["buffer"] or 0, widest // 2),
    }
    # Without validation pixels of its own a training says nothing on its way.
    selection = SelectionSettings.model_validate(parameters["train"]["selection"])
    own = "train.selection.use_validation"
    if options.prune and not selection.validates and own not in flatten(options.params):
        judged[own] = False
    return judged


def _number(knob: Knob, value: float) -> float:
    return int(value) if knob.range.whole else float(value)
