"""A bench that is killed, and a second one beside it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.faults.commands import Command, Ended, start_process
from tests.faults.contents import mlflow_states
from tests.faults.injections import Injection, Room, Verdict, of_processes, told
from tests.faults.stages import small_project

KIND = "bench"
_COMMAND = ("bench", "--env=test", "--suite=tiny", "--scenes=demo", "--seeds=0")
_GRACE_SECONDS = 20.0
"""A run whose bench is gone saves what it has first; on a busy machine that takes its time."""
_POLL_SECONDS = 0.2
_START_SECONDS = 120.0
_OF_THE_MOMENT = ("seconds", "finished", "mlflow_run", "threads", "reused")
"""What a record says of when and how it was made, not of what came of it."""


def benches() -> Iterator[Injection]:
    """Killed within a run and typed again; two at once."""
    yield Injection(KIND, "bench", "killed", _killed)
    yield Injection(KIND, "bench", "two-at-once", _two)


def _bench(project: Path) -> Command:
    return start_process(project, (*_COMMAND, f"--document={project / 'results.md'}"))


def _records(project: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted((project / "data").rglob("records/*.json")):
        record = json.loads(path.read_text())
        found[path.name] = {k: v for k, v in record.items() if k not in _OF_THE_MOMENT}
    return found


def _undisturbed(room: Room) -> tuple[Ended, dict[str, dict[str, Any]]]:
    project = small_project(room.folder / "undisturbed").folder
    ended = _bench(project).end()
    if ended.code:
        raise RuntimeError(f"the undisturbed bench exits with {ended.code}: {ended.last_line}")
    return ended, _records(project)


def _killed(room: Room) -> Verdict:
    undisturbed, expected = _undisturbed(room)
    project = small_project(room.folder / "project").folder
    command = _bench(project)
    if not _runs_something(command):
        return Verdict((f"it starts no run: {command.end().last_line}",))
    command.lasts(room.random.uniform(0, undisturbed.seconds / len(expected) / 2))
    children = psutil.Process(command.pid).children(recursive=True)
    command.send(signal.SIGKILL)
    killed_at = time.monotonic()
    command.lasts(_GRACE_SECONDS)
    _, orphans = psutil.wait_procs(children, _GRACE_SECONDS)
    alive = [child for child in orphans if child.status() != psutil.STATUS_ZOMBIE]
    outlived = time.monotonic() - killed_at
    faults = [f"a process is alive {_GRACE_SECONDS:.0f} s later: {_line(child)}" for child in alive]
    for child in alive:
        child.kill()
    killed, again = command.end(), _bench(project).end()
    faults += _of_end(again, "the same command again")
    faults += [] if _records(project) == expected else ["the records are not the undisturbed ones"]
    if "RUNNING" in (states := mlflow_states(project)):
        faults.append(f"MLflow has runs as RUNNING that are not: {', '.join(states)}")
    lost = killed.seconds + again.seconds - undisturbed.seconds
    how = f"killed after {killed.seconds:.0f} s, its run ended {outlived:.1f} s later"
    return Verdict(told(faults), lost, how)


def _two(room: Room) -> Verdict:
    project = small_project(room.folder / "project").folder
    first = _bench(project)
    if not _runs_something(first):
        return Verdict((f"it starts no run: {first.end().last_line}",))
    second = _bench(project)
    ends = {"the second bench": second.end(), "the first bench": first.end()}
    refused = ends["the second bench"].code == 1
    faults = _of_end(ends["the first bench"], "the first bench")
    if refused and len(ends["the second bench"].error_lines) != 1:
        faults.append(f"refused without one line: {ends['the second bench'].last_line}")
    if not refused:
        faults += _of_end(ends["the second bench"], "the second bench")
    runs = sum(end.stdout.count(": OA ") for end in ends.values())
    if runs != len(_records(project)):
        faults.append(f"{runs} runs were made for {len(_records(project))} records")
    return Verdict(told(faults), None, "refused" if refused else "waited")


def _runs_something(command: Command) -> bool:
    """Waits until a run's own process is there."""
    deadline = time.monotonic() + _START_SECONDS
    while command.lasts(_POLL_SECONDS) and time.monotonic() < deadline:
        if psutil.Process(command.pid).children():
            return True
    return False


def _of_end(ended: Ended, what: str) -> list[str]:
    wrong = [f"{what}: {fault}" for fault in of_processes(ended)]
    if ended.code:
        wrong.append(f"{what} exits with {ended.code}: {ended.last_line}")
    return wrong


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:200]
    except psutil.NoSuchProcess:
        return "gone meanwhile"
