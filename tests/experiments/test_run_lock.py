"""A run's folder is locked as long as a process of the run is there."""

import subprocess
import sys
from pathlib import Path
from threading import Event, Timer

import pytest

from bdgf.experiments.run_lock import StoppedWaiting, alone_in_run, wait_until_free

CHILD = "import sys; print(flush=True); sys.stdin.read()"


def child(descriptor: int) -> "subprocess.Popen[bytes]":
    """A process that has the file open until its standard input is closed."""
    found = subprocess.Popen(
        [sys.executable, "-S", "-c", CHILD],
        pass_fds=[descriptor],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert found.stdout is not None
    assert found.stdout.readline() == b"\n"
    return found


def test_what_was_given_the_file_holds_it_when_its_parent_let_go(tmp_path: Path) -> None:
    lock, stopping = tmp_path / "lock", Event()
    with alone_in_run(lock, stopping) as descriptor:
        left = child(descriptor)
    with left:
        assert not wait_until_free(lock, 0)
        Timer(0.2, stopping.set).start()
        with pytest.raises(StoppedWaiting), alone_in_run(lock, stopping):
            pass
        left.communicate()
    assert wait_until_free(lock, 0)


def test_a_second_attempt_waits_for_the_first_to_end(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with alone_in_run(lock, Event()) as descriptor:
        left = child(descriptor)
    with left:
        assert left.stdin is not None
        Timer(0.3, left.stdin.close).start()
        with alone_in_run(lock, Event()):
            assert left.wait(10) == 0


def test_a_run_that_never_began_is_free(tmp_path: Path) -> None:
    assert wait_until_free(tmp_path / "none" / "lock", 0)
