"""Trials on workers of dask, and what ends a search. The workers are threads of this process."""

import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from bdgf.core.errors import SettingsError
from bdgf.experiments.dask_executor import DaskExecutor
from bdgf.experiments.executors import ExecutorOptions
from bdgf.experiments.process import FinishedRun
from bdgf.experiments.run_lock import Stopping
from bdgf.experiments.tuning.search import Search
from bdgf.experiments.tuning.trial_work import do_trials
from bdgf.experiments.worker_places import WorkerPlace
from tests.experiments.stand_ins import AttemptedRun, Gone
from tests.experiments.test_suite import resolve
from tests.experiments.tuning.trials import NoSearchTracking, QuickTrial, opened

distributed = pytest.importorskip("distributed")

WORKERS = 2


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdgf.experiments.tuning.trial_work.RunProcess", QuickTrial)
    monkeypatch.setattr(QuickTrial, "done", [])


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=WORKERS, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client


def on_workers(client: Any, jobs: int | None) -> DaskExecutor:
    ((address, _),) = client.nthreads().items()
    places = {address: WorkerPlace(socket.gethostname(), WORKERS, True, {})}
    return DaskExecutor(client, ExecutorOptions("dask", jobs, scheduler="x"), places)


def values(asked: Search) -> list[Any]:
    return [(asked.study.values(trial), trial.value) for trial in asked.study.finished()]


@pytest.mark.parametrize("count", [3, pytest.param(13, marks=pytest.mark.slow)])  # 13: TPE draws
def test_one_at_a_time_a_search_on_workers_is_that_of_this_machine(
    client: Any, tmp_path: Path, count: int
) -> None:
    here, there = (opened(tmp_path / name) for name in ("here", "there"))
    assert do_trials(here, count, NoSearchTracking()) == 0  # type: ignore[arg-type]
    executor = on_workers(client, jobs=1)
    assert do_trials(there, count, NoSearchTracking(), executor) == 0  # type: ignore[arg-type]
    assert values(there) == values(here)
    assert len(values(here)) == count


def test_as_many_trials_at_a_time_as_the_workers_take(client: Any, tmp_path: Path) -> None:
    executor = on_workers(client, jobs=None)
    assert executor.slots() == WORKERS
    asked = opened(tmp_path)
    assert do_trials(asked, 4, NoSearchTracking(), executor) == 0  # type: ignore[arg-type]
    assert len(values(asked)) == 4


class EndlessAfterSix(AttemptedRun):
    """In place of `RunProcess`: the seventh of a search is a process that never ends."""

    started: ClassVar[list[int]] = []

    def whole(self, stopping: Stopping) -> FinishedRun:
        if len(QuickTrial.done) < 6:
            return QuickTrial(self.run, self.folder).whole(stopping)
        return super().whole(stopping)

    def _start(self, command: Path, log: Any, lock: int) -> subprocess.Popen[bytes]:
        process = super()._start(command, log, lock)
        self.started.append(process.pid)
        return process


class BadOnceStarted(NoSearchTracking):
    """Gives the endless trial a curve that is worse than those before."""

    def curve(self, run_id: str, measure: str) -> Sequence[tuple[int, float]]:
        started = bool(EndlessAfterSix.started)
        return [] if run_id == "6" and not started else super().curve(run_id, measure)


@pytest.mark.slow
def test_the_process_of_a_trial_that_is_given_up_ends_and_the_search_goes_on(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bdgf.experiments.tuning.trial_work.RunProcess", EndlessAfterSix)
    monkeypatch.setattr("bdgf.experiments.tuning.pruning.LOOK_SECONDS", 0.0)
    monkeypatch.setattr(EndlessAfterSix, "started", [])
    settings = resolve({"dataset": "demo"})["train"]
    steps = range(1, settings["epochs"] * settings["batches_per_epoch"] + 1)
    good, bad = ([(step, value) for step in steps] for value in (0.8, 0.1))
    tracking = BadOnceStarted([*[good] * 6, bad])
    lines: list[str] = []
    asked = opened(tmp_path, lines, trials=8, seeds=(1,))  # the first attempt of seed 1 is endless
    executor = on_workers(client, jobs=1)
    assert do_trials(asked, 7, tracking, executor) == 0  # type: ignore[arg-type]
    assert [trial.state.name for trial in asked.study.trials()] == ["COMPLETE"] * 6 + ["PRUNED"]
    assert "given up" in lines[-1]
    assert tracking.pruned == ["6"]
    (process,) = EndlessAfterSix.started
    assert not psutil.pid_exists(process)
    assert list((tmp_path / "tune" / "demo" / "runs").iterdir()) == []
    monkeypatch.setattr("bdgf.experiments.tuning.trial_work.RunProcess", QuickTrial)
    assert do_trials(asked, 1, tracking, executor) == 0  # type: ignore[arg-type]
    assert asked.to_do() == 0


def test_a_scheduler_that_is_gone_ends_the_search_and_fails_no_trial(tmp_path: Path) -> None:
    asked, tracking = opened(tmp_path, trials=3), NoSearchTracking()
    with pytest.raises(SettingsError, match="scheduler is gone"):
        do_trials(asked, 3, tracking, Gone())  # type: ignore[arg-type]
    assert tracking.ended == ["KILLED"]
    assert asked.study.finished() == []
    again = opened(tmp_path, trials=3)
    assert do_trials(again, again.to_do(), NoSearchTracking()) == 0  # type: ignore[arg-type]
    first, _ = values(again)[0]
    assert first == asked.study.values(asked.study.trials()[0])  # tried again


def test_values_that_do_not_fit_each_other_fail_their_trial_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    asked = opened(tmp_path, lines)
    plan = asked.runs

    def runs(params: Any, trial: str) -> Any:
        if trial == "1":
            raise SettingsError("a patch wider than the block")
        return plan(params, trial)

    monkeypatch.setattr(asked, "runs", runs)
    assert do_trials(asked, 3, NoSearchTracking()) == 1  # type: ignore[arg-type]
    (line,) = [line for line in lines if "FAILED" in line]
    assert "trial 1" in line
    assert "a patch wider" in line
