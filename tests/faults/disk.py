"""A disk that is full at each file that a stage writes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.faults.commands import Ended
from tests.faults.contents import foreign, missing_or_other, not_whole, read_contents
from tests.faults.injections import Injection, Room, Verdict, of_processes, repeated, told
from tests.faults.stages import Stage
from tests.faults.tmpfs import PAGE, grow, leave_free, mounted

KIND = "disk"
_SHARES = (0.0, 0.5)
_OF_PROJECT = (0.5,)


def disks(stages: list[Stage]) -> Iterator[Injection]:
    """The data on a disk with too little room for each file, and by shares; the project too.

    MLflow's database is beside the data: with all on one disk, it is what fails first.
    """
    for stage in stages:
        for free in _sizes(stage):
            yield Injection(
                *(KIND, stage.name, f"data-{free // PAGE}-pages"),
                partial(_fill, stage=stage, free=free, below="data"),
            )
        for share in _OF_PROJECT:
            free = int(stage.grows * share)
            yield Injection(
                *(KIND, stage.name, f"project-{free // PAGE}-pages"),
                partial(_fill, stage=stage, free=free, below="."),
            )


def _sizes(stage: Stage) -> list[int]:
    """Free bytes, rising: a page less than each file needs to appear, and shares of the whole."""
    data = [rename for rename in stage.renames if rename.place.startswith("data/")]
    writers = [rename.used - stage.used - PAGE for rename in data]
    shares = [int(stage.grows * share) for share in _SHARES]
    pages = {max(0, free) // PAGE for free in (*writers, *shares)}
    return sorted(page * PAGE for page in pages if page * PAGE < max(stage.grows, PAGE))


def _fill(room: Room, stage: Stage, free: int, below: str) -> Verdict:
    project = room.project(stage.before)
    full = (project / below).resolve()
    with mounted(full):
        leave_free(full, free)
        disturbed = room.lane.run(project, stage.command, clears=True)
        if disturbed.code == 0:
            return _fitted(stage, project, disturbed)
        faults = _of_ending(disturbed)
        # What is begun may lie there, to be continued: nothing that claims to be finished.
        faults += not_whole(stage.expected, read_contents(project), stage.unstable)
        grow(full)
        how = f"{free / 1024:.0f} KiB free: {' '.join(disturbed.error_lines[:1])}"
        return repeated(room, stage, project, disturbed, how, faults)


def _fitted(stage: Stage, project: Path, ended: Ended) -> Verdict:
    found = read_contents(project)
    wrong = missing_or_other(stage.expected, found, sorted(stage.expected), stage.unstable)
    wrong += foreign(stage.expected, found, stage.unstable)
    return Verdict(told([*wrong, *of_processes(ended)]), None, "it fitted")


def _of_ending(ended: Ended) -> list[str]:
    faults = []
    if ended.code < 0:
        faults.append(f"ended by signal {-ended.code}: {ended.last_line}")
    elif ended.code != 1:
        faults.append(f"exits with {ended.code}, not 1: {ended.last_line}")
    if len(ended.error_lines) != 1:
        faults.append(f"{len(ended.error_lines)} lines say what went wrong: {ended.last_line}")
    if ended.has_traceback:
        faults.append("shows a traceback")
    return faults
