"""MLflow runs whose process is gone are found; all others are left alone."""

import subprocess
import sys

import mlflow
import psutil
import pytest
from mlflow import MlflowClient

from bdgf.framework.processes import (
    FOUND,
    HOST,
    PID,
    STARTED,
    end_runs_of_gone_processes,
    is_gone,
    process_tags,
)


@pytest.fixture(scope="module")
def gone() -> dict[str, str]:
    """The tags of a process that ended."""
    ended = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = psutil.Process(ended.pid).create_time()
    ended.communicate(b"\n")
    return {**process_tags(), PID: str(ended.pid), STARTED: f"{started:.2f}"}


def test_this_process_is_there_and_one_that_ended_is_not(gone: dict[str, str]) -> None:
    own = process_tags()
    assert not is_gone(own)
    assert is_gone(gone)
    # The id is another process's now.
    assert is_gone({**own, STARTED: str(float(own[STARTED]) - 3600)})


def test_a_process_that_nobody_waited_for_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    tags = {PID: str(child.pid), STARTED: f"{psutil.Process(child.pid).create_time():.2f}"}
    assert not is_gone(tags)
    child.kill()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert is_gone(tags)
    child.wait()


@pytest.mark.parametrize("tags", [{}, {PID: "many", STARTED: "0"}, {PID: "1"}])
def test_what_is_not_known_counts_as_there(tags: dict[str, str]) -> None:
    assert not is_gone(tags)


def test_only_runs_of_gone_processes_of_this_host_are_ended(
    active_run: mlflow.ActiveRun, gone: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    client, experiment = MlflowClient(), active_run.info.experiment_id

    def made(name: str, tags: dict[str, str], state: str | None = None) -> str:
        run = client.create_run(experiment, tags=tags, run_name=name)
        if state:
            client.set_terminated(run.info.run_id, state)
        return str(run.info.run_id)

    parent = made("bench", gone)
    runs = {
        parent: "KILLED",
        made("below it", {**gone, "mlflow.parentRunId": parent}): "KILLED",
        made("of another host", {**gone, HOST: "elsewhere"}): "RUNNING",
        made("of this process", process_tags()): "RUNNING",
        made("of unknown origin", {}): "RUNNING",
        made("ended well", gone, "FINISHED"): "FINISHED",
    }
    caplog.set_level("INFO")
    assert end_runs_of_gone_processes(experiment) == 2
    assert {run: client.get_run(run).info.status for run in runs} == runs
    assert FOUND in client.get_run(parent).data.tags
    (line,) = [r.getMessage() for r in caplog.records if r.name == "bdgf.framework.processes"]
    assert "KILLED" in line
    assert "bench" in line
    assert "below it" in line
    assert end_runs_of_gone_processes(experiment) == 0
