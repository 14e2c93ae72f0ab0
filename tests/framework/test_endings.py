"""How a command ends: MLflow's state, the last line, the exit code."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from bdgf.core.errors import SettingsError
from bdgf.core.interruption import Interrupted, deferred
from bdgf.framework.endings import ALL_DONE, accounted_ending, end_at_once, stopped_by

GOES_ON = "type it again"


def state(run: mlflow.ActiveRun) -> str:
    return str(MlflowClient().get_run(run.info.run_id).info.status)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_command_is_killed_and_says_how_to_go_on(
    active_run: mlflow.ActiveRun, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    with pytest.raises(SystemExit) as end, accounted_ending(GOES_ON):
        os.kill(os.getpid(), number)
    assert end.value.code == 128 + number
    assert state(active_run) == "KILLED"
    assert capsys.readouterr().err == f"Stopped ({number.name}); {GOES_ON}\n"


def test_the_checkpoint_of_a_training_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), accounted_ending(GOES_ON):
        raise Interrupted(signal.SIGTERM, Path("data/a.ckpt"), 37)
    assert capsys.readouterr().err == (
        "Stopped (SIGTERM) at step 37; its checkpoint is data/a.ckpt; "
        "the same command resumes from there\n"
    )


@pytest.mark.parametrize("error", [KeyError("a defect"), SettingsError("a mistake"), SystemExit(3)])
def test_an_error_goes_its_way_and_the_run_has_failed(
    active_run: mlflow.ActiveRun, error: BaseException
) -> None:
    with pytest.raises(type(error)) as raised, accounted_ending(GOES_ON):
        raise error
    assert raised.value is error
    assert state(active_run) == "FAILED"


def test_an_end_that_is_none_of_these_leaves_the_run_alone(active_run: mlflow.ActiveRun) -> None:
    with accounted_ending(GOES_ON):
        pass
    assert state(active_run) == "RUNNING"


def test_a_signal_when_all_is_done_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, accounted_ending(GOES_ON), deferred():
        signal.raise_signal(signal.SIGTERM)
    assert end.value.code == 128 + signal.SIGTERM
    assert capsys.readouterr().err == f"Stopped (SIGTERM); {ALL_DONE}\n"


def test_a_program_that_only_closes_ends_by_the_signal() -> None:
    code = """
import signal
from bdgf.framework.endings import end_at_once
end_at_once()
signal.raise_signal(signal.SIGINT)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, b"")


def test_whoever_handles_ctrl_c_keeps_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        end_at_once()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_behind_another_error_is_what_ended_the_command() -> None:
    try:
        try:
            raise KeyboardInterrupt
        finally:
            raise OSError("the terminal is gone")
    except OSError as error:
        stopped = stopped_by(error)
    assert stopped is not None
    assert stopped.signal == signal.SIGINT
    assert stopped_by(BrokenPipeError("a server's")) is None
    assert stopped_by(ValueError()) is None


def test_a_tracking_server_that_is_gone_does_not_hide_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> None:
        raise ConnectionError("refused")

    monkeypatch.setattr(mlflow, "active_run", refused)
    with pytest.raises(SystemExit) as end, accounted_ending(GOES_ON):
        signal.raise_signal(signal.SIGTERM)
    assert end.value.code == 143
    assert "Stopped" in capsys.readouterr().err


CUT = """
import sys, time
from bdgf.framework.endings import accounted_ending
from rich import get_console

with accounted_ending("never said"):
    for number in range(100_000):
        {say}
    time.sleep(60)
"""


@pytest.mark.parametrize("say", ["get_console().print(number)", "print(number, flush=True)"])
def test_output_that_nobody_reads_any_more_ends_the_command_quietly(say: str) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", CUT.format(say=say)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "0\n"
    program.stdout.close()
    assert program.stderr is not None
    assert program.stderr.read() == ""
    assert program.wait() == 141
