"""A fault, where it is put, and what became of the work."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from tests.faults.commands import Ended, Lane
from tests.faults.contents import foreign, missing_or_other, mlflow_states, read_contents
from tests.faults.stages import Stage, clean_copy

_SHOWN = 6  # faults of one injection


@dataclass(frozen=True)
class Verdict:
    """What became of the work.

    Attributes:
        faults: What did not hold, a line each; none where the work survived.
        lost_seconds: Disturbed and repeated time beyond the undisturbed; None if not repeated.
        how: How it survived, in a word or two.
    """

    faults: tuple[str, ...] = ()
    lost_seconds: float | None = None
    how: str = ""

    @property
    def survived(self) -> bool:
        """Whether everything held."""
        return not self.faults


@dataclass(frozen=True)
class Room:
    """Where an injection works.

    Attributes:
        lane: Runs its commands.
        folder: Its own folder, empty.
        random: Its own draws: they depend on the seed and its name alone.
    """

    lane: Lane
    folder: Path
    random: Random

    def project(self, source: Path, name: str = "project") -> Path:
        """A copy of a project to disturb."""
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)
        return clean_copy(source, target)


@dataclass(frozen=True)
class Injection:
    """A fault.

    Attributes:
        kind: Its sort: `kills`, `signals`, ...
        stage: The stage that it disturbs; other words where it is no single one.
        fault: What is done to it.
        inject: Does it.
        count: How many faults of the sort that is, one after another.
    """

    kind: str
    stage: str
    fault: str
    inject: Callable[[Room], Verdict] = field(repr=False, compare=False)
    count: int = 1

    @property
    def name(self) -> str:
        """What `--only` takes to do it again."""
        return f"{self.kind}/{self.stage}/{self.fault}"


def repeats(stages: Iterable[Stage]) -> Iterator[Injection]:
    """No fault at all: what the second undisturbed run of each stage made."""
    for stage in stages:
        verdict = Verdict(told(stage.faults), None, "undisturbed")
        yield Injection("repeat", stage.name, "twice", partial(_known, verdict=verdict))


def _known(room: Room, verdict: Verdict) -> Verdict:
    return verdict


def repeated(
    room: Room, stage: Stage, project: Path, disturbed: Ended, how: str, faults: Iterable[str] = ()
) -> Verdict:
    """Types the same command again: it has to end as if nothing had been.

    Args:
        room: The injection's.
        stage: The stage.
        project: The project that was disturbed.
        disturbed: How the disturbed command ended.
        how: How it ended, in a word or two.
        faults: What did not hold so far.
    """
    again = room.lane.run(project, stage.command)
    wrong = [*faults, *of_processes(disturbed), *of_processes(again)]
    wrong += wrong_after(stage, project, again)
    lost = disturbed.seconds + again.seconds - stage.seconds
    return Verdict(told(wrong), lost, how)


def wrong_after(stage: Stage, project: Path, again: Ended) -> list[str]:
    """What is not as after an undisturbed stage, once the command was typed again."""
    found, wrong = read_contents(project), []
    if again.code:
        wrong.append(f"the same command again exits with {again.code}: {again.last_line}")
    wrong += missing_or_other(stage.expected, found, sorted(stage.expected), stage.unstable)
    wrong += foreign(stage.expected, found, stage.unstable)
    states = mlflow_states(project)
    if "RUNNING" in states:
        wrong.append(f"MLflow has runs as RUNNING that are not: {', '.join(states)}")
    return wrong


def of_processes(ended: Ended) -> list[str]:
    """What a command did wrong as a process."""
    wrong = [f"left a process behind: {command}" for command in ended.left]
    return [*wrong, "it hung"] if ended.hung else wrong


def told(faults: Iterable[str]) -> tuple[str, ...]:
    """The first of many faults, each once, and how many more there are."""
    listed = list(dict.fromkeys(faults))
    more = [f"and {len(listed) - _SHOWN} more"] if len(listed) > _SHOWN else []
    return (*listed[:_SHOWN], *more)
