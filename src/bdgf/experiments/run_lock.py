"""A run's folder, locked as long as any process of the run is there.

The lock is the operating system's and belongs to the open file, not to a process: a run that was
given the file holds it, though the process that started the run was killed.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

POLL_SECONDS = 0.1


class Stopping(Protocol):
    """What tells that a run is to end, such as `threading.Event`."""

    def wait(self, timeout: float | None = None) -> bool:
        """Waits up to `timeout` seconds; whether the run is to end."""
        ...


class StoppedWaiting(Exception):  # noqa: N818 - names the event
    """The run was to end before its folder was free."""


@contextmanager
def alone_in_run(path: Path, stopping: Stopping) -> Iterator[int]:
    """Locks a run's folder; waits for the processes of an earlier attempt to end.

    Args:
        path: The lock's file; its folder is there.
        stopping: Ends the wait.

    Yields:
        The open file's descriptor, to hand on to the run's process (`pass_fds`).

    Raises:
        StoppedWaiting: `stopping` said so.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        while not _locked(descriptor):
            if stopping.wait(POLL_SECONDS):
                raise StoppedWaiting
        yield descriptor
    finally:
        os.close(descriptor)


def wait_until_free(path: Path, seconds: float) -> bool:
    """Waits until no process of a run is left, up to some seconds; whether none is."""
    end = time.monotonic() + seconds
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:  # never begun, or cleared
            return True
        try:
            if _locked(descriptor):
                return True
        finally:
            os.close(descriptor)
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
