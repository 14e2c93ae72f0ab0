"""SIGKILL at random moments, and at each moment at which a file appears.

Several kills in a row hit one project, each the command that was typed after the one before; then
the command runs to its end, and the bytes are compared. That costs a third of as many kills of one
project each, and a command that finds the remains of five killed ones has a harder time.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from tests.faults.commands import Ended
from tests.faults.injections import Injection, Room, Verdict, of_processes, told, wrong_after
from tests.faults.stages import Stage

KIND = "kills"
NOT_REACHED = "the command ended before the fault"
_MOMENTS = 20
_DATA = "data/"
_IN_A_ROW = 5
_TRIES = 5


@dataclass(frozen=True)
class Moment:
    """Somewhere within the `number`-th twentieth of a stage's time."""

    number: int

    def kill(self, room: Room, stage: Stage, project: Path, whole: float) -> Ended:
        """Runs the command, which takes `whole` seconds, and kills it."""
        seconds = whole * room.random.uniform(self.number, self.number + 1) / _MOMENTS
        command = room.lane.start(project, stage.command)
        if command.lasts(seconds):
            command.send(signal.SIGKILL)
        return command.end()


@dataclass(frozen=True)
class Appearance:
    """Just before, or after, the file of the `number`-th rename appears."""

    number: int
    when: Literal["before", "after"] = "before"

    def kill(self, room: Room, stage: Stage, project: Path, whole: float) -> Ended:
        """Runs the command, which kills itself there.

        A command that goes on makes fewer files than the first one: it is the file that counts,
        and how often it appeared.
        """
        places = [rename.open_place for rename in stage.renames]
        place = places[self.number]
        again = places[: self.number].count(place)
        return room.lane.run(
            *(project, stage.command), dies_at=place, after_times=again, dies=self.when
        )


Death = Moment | Appearance


def kills(stages: list[Stage]) -> Iterator[Injection]:
    """Each stage at 20 moments, one in each twentieth of its time, and at each rename in `data`.

    Just before each one, and after the last: between two of them only temporary files change.
    MLflow's copies of the same files are left to the moments.
    """
    for stage in stages:
        rows = _MOMENTS // _IN_A_ROW
        for row in range(rows):  # every fourth: a row goes through the whole stage
            deaths = [Moment(number) for number in range(row, _MOMENTS, rows)]
            yield _injection(stage, f"moments-{row}", deaths)
        places = [rename.place for rename in stage.renames]
        own = [number for number, place in enumerate(places) if place.startswith(_DATA)]
        renames: list[Death] = [Appearance(number) for number in own]
        if own:
            renames.append(Appearance(own[-1], "after"))
        for start in range(0, len(renames), _IN_A_ROW):
            part = renames[start : start + _IN_A_ROW]
            yield _injection(stage, f"renames-{start}-to-{start + len(part) - 1}", part)


def killed_in_a_row(room: Room, stage: Stage, deaths: Sequence[Death]) -> Verdict:
    """Kills a stage several times in one project, then lets it end.

    A command that went on may end before its turn to die. Then what it made is compared, and the
    next kills hit a new project. A whole one that ends before was quicker than the undisturbed one:
    its time is the measure from then on.
    """
    faults: list[str] = []
    project, seconds, ends, tries = room.project(stage.before), 0.0, 0, 0
    pending, untouched, whole = list(deaths), True, stage.seconds
    while pending:
        disturbed = pending[0].kill(room, stage, project, whole)
        seconds += disturbed.seconds
        faults += of_processes(disturbed)
        if disturbed.code == -signal.SIGKILL:
            pending.pop(0)
            untouched, tries = False, 0
            continue
        if untouched:
            whole = min(whole, disturbed.seconds)
            if (tries := tries + 1) == _TRIES:
                faults.append(f"{pending.pop(0)}: {NOT_REACHED}")
                tries = 0
        if not untouched:
            faults += wrong_after(stage, project, disturbed)
        ends += 1
        project, untouched = room.project(stage.before), True
    if not untouched:
        again = room.lane.run(project, stage.command)
        seconds += again.seconds
        ends += 1
        faults += [*of_processes(again), *wrong_after(stage, project, again)]
    lost = (seconds - ends * stage.seconds) / len(deaths)
    return Verdict(told(faults), lost, ", ".join(_described(stage, death) for death in deaths))


def _injection(stage: Stage, fault: str, deaths: Sequence[Death]) -> Injection:
    inject = partial(killed_in_a_row, stage=stage, deaths=deaths)
    return Injection(KIND, stage.name, fault, inject, len(deaths))


def _described(stage: Stage, death: Death) -> str:
    if isinstance(death, Moment):
        return f"in twentieth {death.number + 1}"
    return f"{death.when} {stage.renames[death.number].place}"
