"""SIGKILL at random moments, and at each moment at which a file appears."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from typing import Literal

from tests.faults.injections import Injection, Room, Verdict, repeated
from tests.faults.stages import Stage

KIND = "kills"
_MOMENTS = 20
_TRIES = 3
NOT_REACHED = "the command ended before the fault"


def kills(stages: list[Stage]) -> Iterator[Injection]:
    """Each stage at 20 moments, one in each twentieth of its time, and at each rename.

    Just before each one, and after the last: between two of them only temporary files change.
    """
    for stage in stages:
        for number in range(_MOMENTS):
            yield Injection(
                KIND, stage.name, f"moment-{number}", partial(_moment, stage=stage, number=number)
            )
        for number in range(len(stage.renames)):
            yield _at(stage, number, "before")
        if stage.renames:
            yield _at(stage, len(stage.renames) - 1, "after")


def _at(stage: Stage, number: int, when: Literal["before", "after"]) -> Injection:
    inject = partial(_rename, stage=stage, number=number, when=when)
    return Injection(KIND, stage.name, f"{when}-rename-{number}", inject)


def _moment(room: Room, stage: Stage, number: int) -> Verdict:
    moment = stage.seconds * room.random.uniform(number, number + 1) / _MOMENTS
    for _ in range(_TRIES):
        project = room.project(stage.before)
        command = room.lane.start(project, stage.command)
        if command.lasts(moment):
            command.send(signal.SIGKILL)
        disturbed = command.end()
        if disturbed.code == -signal.SIGKILL:
            return repeated(room, stage, project, disturbed, f"killed after {moment:.1f} s")
        moment *= room.random.uniform(0.8, 1)  # it was quicker than before
    return Verdict((NOT_REACHED,))


def _rename(room: Room, stage: Stage, number: int, when: Literal["before", "after"]) -> Verdict:
    project = room.project(stage.before)
    disturbed = room.lane.run(project, stage.command, dies_at=number, dies=when)
    if disturbed.code != -signal.SIGKILL:
        return Verdict((NOT_REACHED,))
    return repeated(room, stage, project, disturbed, f"{when} {stage.renames[number].place}")
