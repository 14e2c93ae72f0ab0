"""Two lanes that work off injections until they are done or time is up."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, zip_longest
from pathlib import Path
from random import Random

from tests.faults.commands import Lane
from tests.faults.injections import Injection, Room, Verdict
from tests.faults.record import Result

NO_TIME = "no time"
FIRST = ("repeat", "together", "bench")
"""Kinds that take no time, or much of it at once."""


def spread(injections: Iterable[Injection], seed: int) -> list[Injection]:
    """The order: what takes longest first, then one of each kind and stage after another.

    So what is left out for want of time is of no single kind.
    """
    groups: dict[tuple[str, str], list[Injection]] = {}
    for injection in injections:
        groups.setdefault((injection.kind, injection.stage), []).append(injection)
    for key, group in groups.items():
        Random(f"{seed}/{key}").shuffle(group)
    long = [groups.pop(key) for key in list(groups) if key[0] in FIRST]
    short = (i for row in zip_longest(*groups.values()) for i in row if i is not None)
    return [*chain.from_iterable(long), *short]


def chosen(injections: Iterable[Injection], only: Sequence[str]) -> list[Injection]:
    """Those whose names begin with one of `only`, in whole parts; all without any."""
    names = [name.rstrip("/") for name in only]
    return [
        i for i in injections if not names or any(f"{i.name}/".startswith(f"{n}/") for n in names)
    ]


def work_off(
    injections: Sequence[Injection],
    folder: Path,
    kept: Path,
    seed: int,
    deadline: float,
    lanes: int,
    say: Callable[[Result], None],
) -> list[Result]:
    """Does the injections in order, several at a time.

    Args:
        injections: All of them.
        folder: For what is worked on.
        kept: For the output of what did not survive.
        seed: Of every draw.
        deadline: On the monotonic clock: none starts later.
        lanes: How many at a time.
        say: Takes each result.
    """
    own = threading.local()
    opened: list[Lane] = []

    def work(injection: Injection) -> Result:
        if time.monotonic() > deadline:
            return Result.of(injection, None, NO_TIME)
        if not hasattr(own, "lane"):
            own.lane = Lane()
            opened.append(own.lane)
        result = _do(injection, own.lane, folder, kept, seed)
        say(result)
        return result

    with ThreadPoolExecutor(lanes) as pool:
        results = list(pool.map(work, injections))
    for lane in opened:
        lane.close()
    return results


def _do(injection: Injection, lane: Lane, folder: Path, kept: Path, seed: int) -> Result:
    place = re.sub(r"[^\w.-]+", "_", injection.name)
    own = folder / place
    own.mkdir(parents=True)
    try:
        verdict = injection.inject(Room(lane, own, Random(f"{seed}/{injection.name}")))
    except Exception as error:  # the others go on; this one did not show that it survives
        verdict = Verdict((f"the test itself failed: {type(error).__name__}: {error}",))
    if not verdict.survived:
        (kept / place).mkdir(parents=True, exist_ok=True)
        for path in own.glob("*.std*"):
            shutil.copy(path, kept / place)
    shutil.rmtree(own, ignore_errors=True)
    return Result.of(injection, verdict)
