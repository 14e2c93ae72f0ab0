"""Five runs at once on one scene: each makes what it makes alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.commands import Command, Ended, start_process
from tests.faults.contents import VERSION, Contents, read_contents
from tests.faults.injections import Injection, Room, Verdict, of_processes, told
from tests.faults.stages import small_project

KIND = "together"
_RUNS = (
    "model=bdgf,seed=0",
    "model=bdgf,seed=1",
    "model=random_forest,seed=0",
    "model=svm,seed=3",
    "model=bdgf,seed=0,train.epochs=2",
)
_METRICS = re.compile(rf"data/08_reporting/\S+/metrics\.json/({VERSION.pattern})/metrics\.json")
_WORKING = "working/"


def together() -> Iterator[Injection]:
    """All five, once."""
    yield Injection(KIND, "full", "five-at-once", _five)


@dataclass(frozen=True)
class _Made:
    """The digests of what a run made, by place."""

    digests: dict[str, str]


def _command(parameters: str) -> tuple[str, ...]:
    return ("run", "--pipeline=full", "--env=test", f"--params={parameters}")


def _five(room: Room) -> Verdict:
    project = small_project(room.folder / "shared").folder
    started = [start_process(project, _command(run)) for run in _RUNS]
    ended = _ends(started)
    faults = [
        f"{run}: exits with {end.code}: {end.last_line}"
        for run, end in zip(_RUNS, ended, strict=True)
        if end.code
    ]
    faults += [fault for end in ended for fault in of_processes(end)]
    held = read_contents(project)
    for number, (run, end) in enumerate(zip(_RUNS, ended, strict=True)):
        if end.code == 0:
            faults += _not_as_alone(room, number, run, _made(end, held))
    leftovers = [place for place in held if ".part" in place or place.endswith(".ckpt")]
    return Verdict(told([*faults, *(f"{place} is left over" for place in leftovers)]))


def _ends(commands: list[Command]) -> list[Ended]:
    # What the first ones print is in files: to wait for one after another keeps none waiting.
    return [command.end() for command in commands]


def _made(ended: Ended, held: Contents) -> _Made | None:
    """What a run made, by the version that it says at its end; None where it says none."""
    said = _METRICS.search(ended.stdout + ended.stderr)
    if said is None:
        return None
    version = said.group(1)
    return _Made(
        {
            place: versions[version]
            for place, versions in held.items()
            if version in versions and not place.startswith(_WORKING)
        }
    )


def _not_as_alone(room: Room, number: int, run: str, made: _Made | None) -> list[str]:
    if made is None:
        return [f"{run}: does not say where its metrics are"]
    project: Path = small_project(room.folder / f"alone_{number}").folder
    ended = room.lane.run(project, _command(run))
    if ended.code:
        return [f"{run}: alone it exits with {ended.code}: {ended.last_line}"]
    alone = _made(ended, read_contents(project))
    assert alone is not None
    absent = sorted(set(alone.digests) ^ set(made.digests))
    others = [
        place
        for place in sorted(set(alone.digests) & set(made.digests))
        if alone.digests[place] != made.digests[place]
    ]
    return [
        *(f"{run}: {place} is there once alone or together, not both" for place in absent),
        *(f"{run}: {place} has other bytes than alone" for place in others),
    ]
