"""Renames and links: the moments at which a file appears, and so the ones to be killed at."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.contents import VERSION
from tests.faults.job import Job

_OF_A_RUN = re.compile(
    r"(?<=mlruns/)[0-9a-f]{32}|(?<=mlruns/models/m-)[0-9a-f]{32}|(?<=\.)[0-9a-f]{8}(?=\.part)"
)
"""Names that differ from run to run: of a run of MLflow, and of what is written aside."""
_EVENTS = ("os.rename", "os.link")  # `os.replace` tells itself as a rename


@dataclass(frozen=True)
class Rename:
    """A file that appeared.

    Attributes:
        place: The file, from the project's folder.
        used: Bytes that were used of the file system just before.
    """

    place: str
    used: int

    @property
    def open_place(self) -> str:
        """The place, what differs from run to run left open."""
        return _open(self.place)


def read_renames(path: Path) -> list[Rename]:
    """What `watch_renames` noted in a file, in order."""
    return [Rename(**json.loads(line)) for line in path.read_text().splitlines()]


def watch_renames(job: Job) -> None:
    """Notes this process's renames and links within its project, or kills it at one of them.

    Python tells an event just before it calls the system. Killed "after" means at the first event
    of any kind that follows: Python does nothing with files that it does not tell.
    """
    if job.renames is None and job.dies_at is None:
        return
    project = os.path.realpath(job.folder)
    notes = open(job.renames, "w", buffering=1) if job.renames else None  # noqa: SIM115
    appeared, passed = 0, False

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal appeared, passed
        if passed:
            passed = False  # to kill is an event too
            os.kill(os.getpid(), signal.SIGKILL)
        if event not in _EVENTS:
            return
        target = os.path.realpath(os.fsdecode(arguments[1]))
        if not target.startswith(project + os.sep):
            return
        place = os.path.relpath(target, project)
        if notes is not None:
            renamed = Rename(place, used_bytes(Path(target).parent))
            notes.write(json.dumps(asdict(renamed)) + "\n")
        if _open(place) == job.dies_at:
            appeared += 1
            if appeared <= job.after_times:
                return
            if job.dies == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            passed = True

    sys.addaudithook(watch)


def _open(place: str) -> str:
    return _OF_A_RUN.sub("<run>", VERSION.sub("<version>", place))


def used_bytes(folder: Path) -> int:
    """Bytes that are used of the file system of a folder."""
    system = os.statvfs(folder)
    return (system.f_blocks - system.f_bfree) * system.f_frsize
