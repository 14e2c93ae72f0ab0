"""SIGINT and SIGTERM at random moments, and a reader that goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from tests.faults.commands import Command, Ended, process_environment, start_process
from tests.faults.contents import mlflow_states
from tests.faults.injections import Injection, Room, Verdict, repeated
from tests.faults.kills import NOT_REACHED
from tests.faults.stages import Stage

KIND = "signals"
_MOMENTS = 5
_TRIES = 8  # a stage of two seconds has few moments in which it can be stopped
_OF_A_PROCESS = "train"  # the stage that is stopped in a separate process too
_CUT = "prepare"
_GOES_ON = "the same command resumes"


def signals(stages: list[Stage]) -> Iterator[Injection]:
    """Each stage and signal five times; once each in a separate process; once `| head -1`."""
    for stage in stages:
        for number in (signal.SIGINT, signal.SIGTERM):
            for moment in range(_MOMENTS):
                yield Injection(
                    *(KIND, stage.name, f"{number.name}-{moment}"),
                    partial(_stop, stage=stage, number=number, moment=moment),
                )
            if stage.name == _OF_A_PROCESS:
                yield Injection(
                    *(KIND, stage.name, f"{number.name}-process"),
                    partial(_stop, stage=stage, number=number, moment=None),
                )
        if stage.name == _CUT:
            yield Injection(KIND, stage.name, "head", partial(_cut, stage=stage))


def _stop(room: Room, stage: Stage, number: signal.Signals, moment: int | None) -> Verdict:
    """Stops a stage after its first word: before, it is Python's start that is stopped."""
    talking = stage.seconds - stage.silent_seconds
    share = room.random.random() if moment is None else room.random.uniform(moment, moment + 1)
    delay = talking * share / (1 if moment is None else _MOMENTS)
    for _ in range(_TRIES):
        project = room.project(stage.before)
        command: Command = (
            start_process(project, stage.command)
            if moment is None
            else room.lane.start(project, stage.command, clears=True)
        )
        if command.has_spoken() and command.lasts(delay):
            # As a terminal does: Ctrl-C goes to all that the command started.
            command.send(number, group=number == signal.SIGINT)
        disturbed, states = command.end(), mlflow_states(project)
        # When the run has ended, and while Python closes, there is nothing left to be stopped.
        too_late = disturbed.code in (0, -number, 128 + number) and states == ["FINISHED"]
        if not too_late:
            how = f"{number.name} {delay:.1f} s after its first word"
            faults = _of_ending(disturbed, number, states)
            return repeated(room, stage, project, disturbed, how, faults)
        delay *= room.random.uniform(0.6, 0.9)  # it was quicker than before
    return Verdict((NOT_REACHED,))


def _of_ending(ended: Ended, number: signal.Signals, states: list[str]) -> list[str]:
    faults = []
    if ended.code != 128 + number:
        faults.append(f"exits with {ended.code}, not {128 + number}: {ended.last_line}")
    if ended.has_traceback:
        faults.append("shows a traceback")
    lines = [line for line in ended.stderr.splitlines() if _GOES_ON in line]
    if len(lines) != 1:
        faults.append(f"{len(lines)} lines on standard error say how to go on")
    if any(state != "KILLED" for state in states):
        faults.append(f"MLflow has it as {', '.join(states)}, not as KILLED")
    return faults


def _cut(room: Room, stage: Stage) -> Verdict:
    """`kedro run ... | head -1`: the output is closed behind the first line."""
    project = room.project(stage.before)
    reader, writer = os.pipe()
    errors = project.with_name("project.cut.stderr")
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "kedro", *stage.command],
            cwd=project,
            env=process_environment(),
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=stderr,
        )
    os.close(writer)
    with os.fdopen(reader) as lines:
        lines.readline()
    code = process.wait()
    states, shown = mlflow_states(project), errors.read_text()
    faults = []
    if code not in (0, 128 + signal.SIGPIPE, -signal.SIGPIPE):
        faults.append(f"exits with {code}: {shown.strip()[-200:]}")
    if code and any(state != "KILLED" for state in states):
        faults.append(f"MLflow has it as {', '.join(states)}, not as KILLED")
    if "Traceback" in shown or "BrokenPipe" in shown:
        faults.append("shows a traceback")
    verdict = repeated(room, stage, project, Ended(code, stage.seconds, "", shown), "cut", faults)
    return Verdict(verdict.faults, None, "output closed behind the first line")
