"""One run of the bench: what its process is given, and what is made of how it ends."""

import json
import os
import sys
import time
from pathlib import Path
from threading import Event, Timer

import pytest

from bdgf.experiments.process import RunFailed, RunProcess, RunStopped
from bdgf.experiments.suite import PlannedRun

RUN = PlannedRun("s", "r", "demo", 3, {"dataset": "demo", "seed": 3}, "f", None)


@pytest.fixture
def process(tmp_path: Path) -> RunProcess:
    return RunProcess(RUN, tmp_path / "run", "test", 1, "mlflow-1")


def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """Puts a shell script in the place of Python: no time is lost with starting that."""
    interpreter = tmp_path / "python"
    interpreter.write_text(f"#!/bin/sh\n{script}\n")
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))


def test_a_stopped_run_leaves_no_process(
    process: RunProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, tmp_path, f"echo $$ > {tmp_path}/id; exec sleep 60")
    stopping, started = Event(), time.monotonic()
    Timer(0.5, stopping.set).start()
    with pytest.raises(RunStopped):
        process.finish(stopping)
    assert time.monotonic() - started < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "id").read_text()), 0)
    assert not (tmp_path / "run" / "data").exists()


def test_a_run_that_does_not_listen_is_ended_with_all_that_it_started(
    process: RunProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bdgf.experiments.process.LAST_SECONDS", 0.2)
    stand_in(
        monkeypatch, tmp_path, f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/id; wait; sleep 60"
    )
    stopping = Event()
    Timer(0.5, stopping.set).start()
    with pytest.raises(RunStopped):
        process.finish(stopping)
    started = Path("/proc") / (tmp_path / "id").read_text().strip() / "cmdline"
    deadline = time.monotonic() + 30
    while started.exists() and started.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.05)  # until the system has seen to it
    assert not started.exists() or not started.read_bytes()


def test_what_a_killed_run_left_is_cleared_but_for_its_checkpoints(
    process: RunProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [tmp_path / "run" / name / "left" for name in ("data", "working")]
    for path in left:
        path.parent.mkdir(parents=True)
        path.touch()
    stand_in(monkeypatch, tmp_path, "exit 1")
    with pytest.raises(RunFailed):
        process.finish(Event())
    assert [path.exists() for path in left] == [False, True]


def test_the_process_runs_up_to_the_metrics_in_a_folder_of_its_own(
    process: RunProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, tmp_path, 'echo "$@"; echo $MLFLOW_RUN_ID $OMP_NUM_THREADS; exit 1')
    with pytest.raises(RunFailed):
        process.finish(Event())
    arguments, environment = process.log.read_text().splitlines()
    command = tmp_path / "run" / "run.json"
    assert arguments == f"-m bdgf.experiments.watched_run run --config {command} --env test"
    assert environment == "mlflow-1 1"
    options = json.loads(command.read_text())["run"]
    assert (options["pipeline"], options["to_outputs"]) == ("full", "metrics")
    assert options["params"] == {
        **RUN.params,
        "data_folder": str(tmp_path / "run" / "data"),
        "working_folder": str(tmp_path / "run" / "working"),
    }


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo some; echo 'Error: no such file'; echo more; exit 1", "^no such file; see .*log"),
        ("echo some; echo 'ValueError: 3'; exit 4", "exit 4.*ValueError: 3; see .*log"),
        ("exit 5", "exit 5.*none"),
    ],
)
def test_a_failed_run_is_told_by_its_last_word(
    process: RunProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    stand_in(monkeypatch, tmp_path, script)
    with pytest.raises(RunFailed, match=told):
        process.finish(Event())
