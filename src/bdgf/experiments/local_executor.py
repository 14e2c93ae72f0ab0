"""Runs several processes at once, so that none waits for the pretraining of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event

from bdgf.experiments.suite import PlannedRun

_ASK_SECONDS = 5.0
"""From one question for the number of runs at a time to the next."""


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
    waiting, made, stopping = list(runs), set[str | None](), Event()
    running: dict[Future[None], PlannedRun] = {}
    if not waiting:
        return
    now = jobs if callable(jobs) else lambda: jobs
    with ThreadPoolExecutor(len(waiting)) as pool:
        try:
            while waiting or running:
                most = now()
                while waiting and len(running) < most:
                    run = next_run(waiting, running.values(), made)
                    waiting.remove(run)
                    running[pool.submit(work, run, stopping)] = run
                for future in wait(running, _ASK_SECONDS, FIRST_COMPLETED).done:
                    made.add(running.pop(future).shares)
                    future.result()
        except BaseException:  # an interruption too: no process is left behind
            stopping.set()
            raise
