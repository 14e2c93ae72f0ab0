"""The undisturbed way: a project before each stage, and what each stage makes of it."""

from __future__ import annotations

import shutil
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.faults.commands import Ended, Lane
from tests.faults.contents import Contents, copy_project, foreign, missing_or_other, read_contents
from tests.faults.deadly_moments import Rename, read_renames, used_bytes
from tests.faults.tmpfs import is_offered, mounted
from tests.pipelines.project import Project

STAGES = ("ingest", "prepare", "pretrain", "features", "train", "evaluate")
_SCENE = "demo"


def stage_command(stage: str) -> tuple[str, ...]:
    """What is typed behind `kedro`."""
    return ("run", f"--pipeline={stage}", "--env=test")


@dataclass(frozen=True)
class Stage:
    """A stage, undisturbed.

    Attributes:
        name: Its pipeline.
        before: A project in which all stages before it are done.
        after: A project in which it is done too.
        expected: What `after` holds.
        own: The files that it made.
        unstable: Files that a second undisturbed run makes with other bytes.
        seconds: How long it takes.
        silent_seconds: How long it takes until it says its first word.
        renames: The files that appear, in order.
        used: Bytes of `data` before it, on a file system in memory.
        grows: Bytes that it adds to that.
        faults: What was wrong with the second run, beside the unstable files.
    """

    name: str
    before: Path
    after: Path
    expected: Contents
    own: frozenset[str]
    unstable: frozenset[str]
    seconds: float
    silent_seconds: float
    renames: tuple[Rename, ...]
    used: int
    grows: int
    faults: tuple[str, ...]

    @property
    def command(self) -> tuple[str, ...]:
        """What is typed behind `kedro`."""
        return stage_command(self.name)


def small_project(folder: Path) -> Project:
    """A project that knows the demo scene alone: reading the others takes its time at each run."""
    project = Project.create(folder)
    scenes = folder / "conf" / "base" / "parameters_scenes"
    for path in scenes.glob("*.yml"):
        if path.stem != _SCENE:
            path.unlink()
    (folder / "data").mkdir()
    return project


def clean_copy(source: Path, target: Path) -> Path:
    """A copy of a project whose MLflow holds nothing: it would write to the other one's folder."""
    copy_project(source, target)
    forget_runs(target, source.parent / "empty.db")
    return target


def forget_runs(project: Path, empty: Path) -> None:
    """Puts the empty database in the place of a project's own."""
    shutil.rmtree(project / "mlruns", ignore_errors=True)
    shutil.copy(empty, project / "mlflow.db")


def run_stages(lane: Lane, folder: Path, names: tuple[str, ...] = STAGES) -> list[Stage]:
    """Runs the stages, each of them twice from the same beginning.

    Args:
        lane: Runs them.
        folder: Takes a project before each stage.
        names: The first so many stages.

    Raises:
        RuntimeError: A stage fails undisturbed: then there is nothing to disturb.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = small_project(folder / f"0_{names[0]}").folder
    shutil.copy(first / "mlflow.db", folder / "empty.db")
    befores = [first]
    for number, name in enumerate(names, 1):
        after = clean_copy(befores[-1], folder / f"{number}_after_{name}")
        _undisturbed(lane.run(after, stage_command(name)), name)
        befores.append(after)
    return [
        _again(lane, folder / "again", name, before, after)
        for name, before, after in zip(names, befores, befores[1:], strict=False)
    ]


def _again(lane: Lane, folder: Path, name: str, before: Path, after: Path) -> Stage:
    """The second run, which is quicker: what is compiled was compiled by the first."""
    project = folder / name
    expected, at_first = read_contents(after), read_contents(before)
    copy_project(before, project)
    forget_runs(project, before.parent / "empty.db")
    data, renames = project / "data", folder / f"{name}.renames"
    with mounted(data) if is_offered() else nullcontext():
        used = used_bytes(data)
        command = lane.start(project, stage_command(name), renames=renames)
        command.has_spoken()
        silent = time.monotonic() - command.started
        ended = _undisturbed(command.end(), name)
        grows = used_bytes(data) - used
        found = read_contents(project)
    own = frozenset(place for place in expected if expected[place] != at_first.get(place))
    others = missing_or_other(expected, found, sorted(own))
    unstable = frozenset(
        place for place in own if any(fault.startswith(f"{place} has") for fault in others)
    )
    faults = (*others, *foreign(expected, found, unstable), *ended.left)
    return Stage(
        *(name, before, after, expected, own, unstable, ended.seconds, silent),
        *(tuple(read_renames(renames)), used, grows, faults),
    )


def _undisturbed(ended: Ended, name: str) -> Ended:
    if ended.code:
        raise RuntimeError(f"{name} fails undisturbed ({ended.code}): {ended.last_line}")
    return ended
