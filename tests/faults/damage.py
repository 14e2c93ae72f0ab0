"""Bytes that change and files that end early, in all that a stage reads and in checkpoints."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random

from tests.faults.commands import Ended
from tests.faults.contents import VERSION, missing_or_other, read_contents
from tests.faults.injections import Injection, Room, Verdict, of_processes, repeated, told
from tests.faults.kills import NOT_REACHED, Appearance
from tests.faults.stages import Stage

KIND = "damage"
FLIPS = ("flip-first", "flip-middle", "flip-last")
CUTS = ("cut", "emptied")
_EDGE = 64
"""The first and the last flip are within so many bytes of the file's ends: headers, trailers."""


def damages(stages: list[Stage]) -> Iterator[Injection]:
    """Inputs of all stages; what a stage shares with later runs; its checkpoints.

    A flipped byte and a truncation each, of another sort from file to file. Where several stages
    read a file, the two hit different ones, and so do those of the next file.
    """
    turns = zip(cycle(FLIPS), cycle(CUTS), strict=False)
    for number, (path, readers) in enumerate(_readers(stages).items()):
        for turn, damage in enumerate(next(turns)):
            reader = readers[(number + turn) % len(readers)]
            yield _of_file(reader, reader.before, path, damage)
    for stage in stages:
        for path in _shared_files(stage):
            for damage in next(turns):
                yield _of_file(stage, stage.after, path, damage)
        for number, rename in enumerate(stage.renames):
            if not rename.place.endswith(".ckpt"):
                continue
            for damage in next(turns):
                yield Injection(
                    *(KIND, stage.name, f"checkpoint-{number}/{damage}"),
                    partial(_checkpoint, stage=stage, number=number, damage=damage),
                )


def _readers(stages: list[Stage]) -> dict[str, list[Stage]]:
    """The stages that read each file."""
    readers: dict[str, list[Stage]] = {}
    for stage in stages:
        for path in read_files(stage):
            readers.setdefault(path, []).append(stage)
    return readers


def read_files(stage: Stage) -> list[str]:
    """The files of the artifacts that a stage reads, from the project's folder."""
    from bdgf.pipeline_registry import register_pipelines

    entries = {entry.split(":")[0] for entry in register_pipelines()[stage.name].inputs()}
    data = stage.before / "data"
    found = [
        path
        for path in sorted(data.rglob("*"))
        if path.is_file() and VERSION.search(str(path)) and _entry(path) in entries
    ]
    return [path.relative_to(stage.before).as_posix() for path in found]


def _entry(path: Path) -> str:
    # <entry>.<suffix>/<version>/<file>
    return path.parent.parent.name.split(".")[0]


def _shared_files(stage: Stage) -> list[str]:
    """What a stage keeps for later runs of the same: denoisers, feature cubes."""
    places = sorted(place for place in stage.own if place.startswith("working/"))
    return [f"data/{place}" for place in places]


def _of_file(stage: Stage, source: Path, path: str, damage: str) -> Injection:
    place = VERSION.sub("version", path.removeprefix("data/"))
    return Injection(
        *(KIND, stage.name, f"{place}/{damage}"),
        partial(_file, stage=stage, source=source, path=path, damage=damage),
    )


def damage_file(path: Path, damage: str, random: Random) -> str:
    """Damages a file; all names that are linked to it see that. Tells where."""
    size = path.stat().st_size
    edge = min(_EDGE, size)
    if damage == "emptied":
        os.truncate(path, 0)
        return "emptied"
    if damage == "cut":
        length = random.randrange(size)
        os.truncate(path, length)
        return f"cut to {length} of {size} bytes"
    first = {"flip-first": 0, "flip-middle": 0, "flip-last": size - edge}[damage]
    position = first + random.randrange(size if damage == "flip-middle" else edge)
    with path.open("r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ random.randrange(1, 256)]))
    return f"byte {position} of {size} changed"


def _file(room: Room, stage: Stage, source: Path, path: str, damage: str) -> Verdict:
    project = room.project(source)
    what = damage_file(project / path, damage, room.random)
    ended = room.lane.run(project, stage.command, clears=True)
    wrong = of_processes(ended)
    if ended.code == 0:
        found = read_contents(project)
        wrong += missing_or_other(stage.expected, found, sorted(stage.own), stage.unstable)
        how = "same bytes"
    else:
        wrong += _of_refusal(ended, project / path)
        how = "refused"
    return Verdict(told([f"{fault} ({what})" for fault in wrong]), None, f"{how} ({what})")


def _of_refusal(ended: Ended, path: Path) -> list[str]:
    faults = []
    if ended.code != 1:
        faults.append(f"exits with {ended.code}: {ended.last_line}")
    if ended.has_traceback:
        faults.append(f"shows a traceback: {ended.last_line}")
    names = [file.name for file in path.parent.iterdir()]
    if len(ended.error_lines) != 1:
        faults.append(f"{len(ended.error_lines)} lines say what is wrong: {ended.last_line}")
    elif not any(name in ended.error_lines[0] for name in names):
        faults.append(f"the line does not name the file: {ended.error_lines[0]}")
    return faults


def _checkpoint(room: Room, stage: Stage, number: int, damage: str) -> Verdict:
    project = room.project(stage.before)
    killed = Appearance(number, "after").kill(room, stage, project, stage.seconds)
    path = project / stage.renames[number].place
    if killed.code != -signal.SIGKILL or not path.exists():
        return Verdict((NOT_REACHED,))
    what = damage_file(path, damage, room.random)
    verdict = repeated(room, stage, project, killed, f"checkpoint: {what}")
    return Verdict(verdict.faults, None, verdict.how)  # the work since then is lost by intent
