"""Does several things at once, so that no run waits for the pretraining of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from bdgf.experiments.suite import PlannedRun

_ASK_SECONDS = 5.0
"""From one question for the number of runs at a time to the next."""

T = TypeVar("T")


def next_run(
    waiting: list[PlannedRun], running: Iterable[PlannedRun], made: set[str | None]
) -> PlannedRun:
    """The first waiting run whose pretraining no running one is busy with.

    Where there is no such run the first one is taken: it will wait for the other's pretraining.

    Args:
        waiting: Runs to come, at least one.
        running: Runs under way.
        made: Pretrainings (`PlannedRun.shares`) that are there.
    """
    busy = {run.shares for run in running} - made - {None}
    return next((run for run in waiting if run.shares not in busy), waiting[0])


def run_all(
    runs: Iterable[PlannedRun],
    jobs: int | Callable[[], int],
    work: Callable[[PlannedRun, Event], None],
) -> None:
    """Does all runs, several at a time.

    Args:
        runs: The runs, in the order wanted.
        jobs: How many at a time; a function is asked again and again, as workers come and go.
        work: Does one run; to end early when the event is set. What it raises ends everything.
    """
    waiting, made = list(runs), set[str | None]()

    def take(running: Iterable[PlannedRun]) -> PlannedRun | None:
        if not waiting:
            return None
        run = next_run(waiting, running, made)
        waiting.remove(run)
        return run

    at_a_time = jobs if callable(jobs) else lambda: jobs
    keep_busy(take, at_a_time, work, most=len(waiting), ended=lambda run: made.add(run.shares))


def keep_busy(
    take: Callable[[Iterable[T]], T | None],
    jobs: Callable[[], int],
    work: Callable[[T, Event], None],
    *,
    most: int,
    ended: Callable[[T], object] = lambda one: None,
) -> None:
    """Does one thing after another, several at a time, until there are no more.

    Args:
        take: Gives the next thing, from those under way; None where none is left.
        jobs: How many at a time, at least one; asked again and again.
        work: Does one; to end early when the event is set. What it raises ends everything.
        most: How many there are in all.
        ended: Is told each one that is done.
    """
    if not most:
        return
    stopping = Event()
    running: dict[Future[None], T] = {}
    with ThreadPoolExecutor(most) as pool:
        try:
            while True:
                at_a_time = jobs()
                while len(running) < at_a_time and (one := take(running.values())) is not None:
                    running[pool.submit(work, one, stopping)] = one
                if not running:
                    return
                for future in wait(running, _ASK_SECONDS, FIRST_COMPLETED).done:
                    ended(running.pop(future))
                    future.result()
        except BaseException:  # an interruption too: no process is left behind
            stopping.set()
            raise
