"""The work of a bench or a search, and how its MLflow run and its command end."""

from __future__ import annotations

from collections.abc import Callable

from bdgf.core.interruption import Interrupted, deferred
from bdgf.experiments.tracking import BenchTracking
from bdgf.framework.endings import stopped_by


def accounted_work(
    work: Callable[[], int],
    tracking: BenchTracking,
    say: Callable[[str], None],
    *,
    of: str,
    done: Callable[[], str],
) -> int:
    """Does the work and ends its MLflow run by what came of it, whatever that is.

    Args:
        work: Does all of it, results included; gives how many parts failed.
        tracking: The run, which is open.
        say: Takes what the user reads, a line at a time.
        of: The parts that were to be done: `12 runs`.
        done: Says how far the work is, where it is stopped.

    Returns:
        The exit code: 0; 1 where parts failed; that of the signal that stopped it.
    """
    status = "FAILED"
    try:
        failed = work()
        status = "FAILED" if failed else "FINISHED"
    except Interrupted as stop:
        status = "KILLED"
        say(f"stopped: {done()}; the same command resumes")
        return stop.exit_code
    except BaseException as error:
        status = "KILLED" if stopped_by(error) else "FAILED"
        raise
    finally:
        with deferred():
            tracking.end(status)
    if failed:
        say(f"{failed} of {of} failed; the same command tries them again")
    return int(bool(failed))
