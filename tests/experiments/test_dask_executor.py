"""Runs of a bench on two workers of dask, and what goes wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import pandas as pd
import psutil
import pytest

from bdgf.core.errors import SettingsError
from bdgf.experiments.dask_executor import DaskExecutor, finish_on_worker, open_dask_executor
from bdgf.experiments.executors import ExecutorOptions, shared_threads
from bdgf.experiments.process import RunFailed, RunStopped
from bdgf.experiments.suite import PlannedRun
from bdgf.experiments.worker_places import WorkerPlace, comparable_versions
from tests.experiments.stand_ins import AttemptedRun, NoTracking, QuickRun, finished, planned
from tests.messages import telling
from tests.pipelines.project import Project

dask, distributed = (pytest.importorskip(name) for name in ("dask", "distributed"))

TWO = ExecutorOptions("dask", workers=2)


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskExecutor]:
    """Two workers on this machine; a run that loses its second one is given up."""
    folder, lines = tmp_path_factory.mktemp("bench"), list[str]()
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        open_dask_executor(TWO, folder, lines.append) as opened,
    ):
        assert lines == ["2 dask worker(s) on 1 machine(s), 2 run(s) at a time"]
        assert not list(folder.iterdir())
        yield opened


def attempted(folder: Path, endless: int) -> AttemptedRun:
    """A run whose first `endless` attempts never end."""
    run = PlannedRun("s", "r", "demo", endless, {}, "f", None)
    return AttemptedRun(run, folder, None, 1, "none", Path.cwd())


def is_gone(process: int) -> bool:
    """Whether a process ends within seconds."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_records_and_tables_are_those_of_this_machine(
    executor: DaskExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bdgf.experiments.runner.RunProcess", QuickRun)
    here = planned(tmp_path / "here", seeds=(0, 1), where=ExecutorOptions(jobs=2))
    there = planned(tmp_path / "there", seeds=(0, 1), where=TWO)
    assert here.run(here.missing(), NoTracking()) == 0  # type: ignore[arg-type]
    assert there.run(there.missing(), NoTracking(), executor) == 0  # type: ignore[arg-type]
    assert there.missing() == []
    kept = [sorted(bench.folder.rglob("*.*")) for bench in (here, there)]
    assert len(kept[0]) == len(kept[1]) > len(here.plans["tiny"])
    for one, other in zip(*kept, strict=True):
        assert one.read_bytes() == other.read_bytes(), one
    assert [t.markdown for t in here.tables()] == [t.markdown for t in there.tables()]
    assert executor.threads == shared_threads(2)


def test_a_stopped_run_leaves_no_process(executor: DaskExecutor, tmp_path: Path) -> None:
    process, stopping = attempted(tmp_path / "run", endless=1), Event()
    with ThreadPoolExecutor() as pool:
        result = pool.submit(executor.finish, process, stopping)
        first, worker = process.attempt(0)
        stopping.set()
        with pytest.raises(RunStopped):
            result.result(30)
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
    os.kill(worker, 0)  # it is there for the next one


def test_a_run_whose_worker_is_killed_is_tried_again(
    executor: DaskExecutor, tmp_path: Path
) -> None:
    process = attempted(tmp_path / "run", endless=1)
    with ThreadPoolExecutor() as pool:
        result = pool.submit(executor.finish, process, Event())
        first, worker = process.attempt(0)
        os.kill(worker, signal.SIGKILL)
        assert result.result(60).record == finished(process.run)[0]
    assert is_gone(first)
    assert process.attempt(1)[1] != worker


@pytest.mark.slow
def test_a_run_that_loses_every_worker_fails(executor: DaskExecutor, tmp_path: Path) -> None:
    process = attempted(tmp_path / "run", endless=2)
    with ThreadPoolExecutor() as pool:
        result = pool.submit(executor.finish, process, Event())
        for number in range(2):
            os.kill(process.attempt(number)[1], signal.SIGKILL)
        with pytest.raises(RunFailed, match=telling("workers died", str(process.log))):
            result.result(60)


@pytest.mark.slow
def test_a_run_ends_when_its_bench_is_gone(executor: DaskExecutor, tmp_path: Path) -> None:
    executor._client.wait_for_workers(2, 60)  # an earlier test may have killed one
    address = executor._client.scheduler.address
    options = ExecutorOptions("dask", scheduler=address, threads=3)
    process = attempted(tmp_path / "run", endless=1)
    with open_dask_executor(options, tmp_path, lambda line: None) as other:
        assert (other.slots(), other.threads) == (2, 3)
        other._executor.submit(_whole, process)
        first, _ = process.attempt(0)
    assert is_gone(first)


def _whole(process: AttemptedRun) -> None:
    finish_on_worker(process, comparable_versions())


def test_a_failed_run_says_why(executor: DaskExecutor, tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="no such level"):
        executor.finish(Failing(PlannedRun("s", "r", "d", 0, {}, "f", None), tmp_path), Event())  # type: ignore[arg-type]


class Failing(QuickRun):
    def finish(self, stopping: Any) -> Any:
        raise RunFailed("no such level")


@pytest.mark.slow
def test_a_worker_that_comes_later_with_other_versions_ends_the_bench(
    executor: DaskExecutor, tmp_path: Path
) -> None:
    run = PlannedRun("s", "r", "d", 0, {}, "f", None)
    ours = {**comparable_versions(), "torch": "1.0"}
    with (
        patch("bdgf.experiments.dask_executor.comparable_versions", lambda: ours),
        pytest.raises(SettingsError, match=telling("has torch", "this machine has 1.0")),
    ):
        executor.finish(QuickRun(run, tmp_path), Event())  # type: ignore[arg-type]


@pytest.mark.slow
def test_workers_with_a_gpu_take_a_run_for_each(tmp_path: Path) -> None:
    run = PlannedRun("s", "r", "d", 0, {}, "f", None)
    cluster = distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=4,
        processes=False,
        resources={"GPU": 2},
        dashboard_address=None,
    )
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        ((address, _),) = client.nthreads().items()
        places = {address: WorkerPlace("a", 8, True, {})}
        opened = DaskExecutor(client, ExecutorOptions("dask", scheduler="x"), places)
        assert (opened.slots(), opened.threads) == (2, 4)
        assert opened.finish(QuickRun(run, tmp_path), Event()).record == finished(run)[0]  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_scheduler_that_is_gone_is_told(tmp_path: Path) -> None:
    process = attempted(tmp_path / "run", endless=1)
    with ThreadPoolExecutor() as pool:
        cluster = distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None
        )
        with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
            client = distributed.Client(cluster.scheduler_address, timeout=1, set_as_default=False)
        opened = DaskExecutor(client, replace(TWO, threads=1), {})
        result = pool.submit(opened.finish, process, Event())
        first, _ = process.attempt(0)
        cluster.close()
        with pytest.raises(SettingsError, match=telling("scheduler is gone", "same command")):
            result.result(60)
        assert opened.slots() == 1
        with suppress(TimeoutError):  # nobody answers
            client.close()
    assert is_gone(first)


BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, *others):
        if name.partition(".")[0] == "bdgf":
            raise ModuleNotFoundError("No module named 'bdgf'")

sys.meta_path.insert(0, Blocked())
"""


@pytest.mark.slow
def test_a_worker_without_bdgf_is_told(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCKED)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        options = ExecutorOptions("dask", scheduler=cluster.scheduler_address)
        command = [sys.executable, "-m", "distributed.cli.dask_worker", str(options.scheduler)]
        with subprocess.Popen(
            [*command, "--no-nanny", "--no-dashboard"], env=environment
        ) as worker:
            try:
                with (
                    pytest.raises(SettingsError, match=telling("No module named", "install bdgf")),
                    open_dask_executor(options, tmp_path, print),
                ):
                    pass
            finally:
                worker.terminate()


def runs_of(project: Project) -> dict[int, int]:
    """Ids of the runs under way in a project's folder, with those of their parents."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            here = Path(process.cwd()) == project.folder
            if here and "bdgf.experiments.watched_run" in process.cmdline():
                found[process.pid] = process.ppid()
    return found


def kept(project: Project) -> list[dict[str, Any]]:
    """What a bench recorded of its runs, without what differs each time."""
    folder = project.folder / "data/working/bench/records"
    records = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    pixels = [path.read_bytes() for path in sorted(folder.glob("*.npz"))]
    for record, correct in zip(records, pixels, strict=True):
        record["correct"] = correct
        for name in ("seconds", "mlflow_run", "finished", "reused"):
            del record[name]
    return records


def table(project: Project) -> list[str]:
    """The rows of a bench's CSV, without its times and what is said of them."""
    (path,) = (project.folder / "data/08_reporting/bench/results").glob("*.csv")
    found = pd.read_csv(path)
    timed = [name for name in found.columns if "seconds" in name or name == "reused"]
    assert timed
    return found.drop(columns=timed).to_csv(index=False).splitlines()


@pytest.mark.slow
def test_a_suite_on_two_workers_one_of_them_killed_is_that_of_this_machine(tmp_path: Path) -> None:
    here, there = (Project.create(tmp_path / name) for name in ("here", "there"))
    typed = ("bench", "--env=test", "--suite=tiny", "--seeds=0")
    result = here.command(*typed, "--jobs=2")
    assert result.code == 0, result.printed
    with there.process("kedro", *typed, "--executor=dask", "--workers=2") as bench:
        end = time.monotonic() + 120
        while not (under_way := runs_of(there)) and bench.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.1)
        killed, worker = next(iter(under_way.items()))
        os.kill(worker, signal.SIGKILL)
        printed, errors = bench.communicate(timeout=300)
    assert bench.returncode == 0, printed + errors
    assert is_gone(killed)
    assert not runs_of(there)
    assert len(kept(here)) == 2
    assert kept(there) == kept(here)
    assert table(there) == table(here)
    assert {status for _, status in there.mlflow_runs()} == {"FINISHED"}
    assert len(there.mlflow_runs()) == 3
