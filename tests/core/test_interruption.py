"""Signals as an exception: at once, held back, twice, and in programs of their own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from bdgf.core import interruption
from bdgf.core.interruption import (
    Interrupted,
    deferred,
    listening,
    raise_if_requested,
    request,
    requested,
    uninterruptible,
)

STOPPING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def interrupted_by(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(10)


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_interrupts_the_main_thread_and_the_handlers_are_put_back(
    number: signal.Signals,
) -> None:
    before = [signal.getsignal(each) for each in STOPPING]
    with pytest.raises(Interrupted) as stopped, listening():
        interrupted_by(number)
    assert (stopped.value.signal, stopped.value.exit_code) == (number, 128 + number)
    assert [signal.getsignal(each) for each in STOPPING] == before
    assert requested() is None


def test_nothing_that_catches_exceptions_or_ctrl_c_goes_on() -> None:
    assert not issubclass(Interrupted, Exception | KeyboardInterrupt)


def test_a_signal_that_is_held_back_is_told_when_asked() -> None:
    with listening():
        with deferred():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            raise_if_requested()
            assert requested() == signal.SIGTERM
        with pytest.raises(Interrupted):
            raise_if_requested()


@uninterruptible
def called_back(inner: Callable[[], object]) -> str:
    inner()
    return "done"


def test_no_signal_raises_in_a_function_that_a_library_in_c_calls_back() -> None:
    with listening():
        assert called_back(lambda: signal.raise_signal(signal.SIGTERM)) == "done"
        with pytest.raises(Interrupted):
            raise_if_requested()


def test_a_function_called_back_is_not_interrupted_at_its_first_instruction() -> None:
    """`with deferred()` within it would leave gaps before and after."""

    def at_any_moment() -> None:
        with listening():
            timer = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGTERM))
            timer.start()
            with suppress(Interrupted):
                while requested() is None:
                    assert called_back(int) == "done"
            timer.join()

    for _ in range(20):
        at_any_moment()


def test_what_a_library_swallowed_is_raised_when_asked() -> None:
    with listening():
        with suppress(BaseException):  # as Python does in a destructor or a callback
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted):
            raise_if_requested()


def test_the_first_of_several_signals_counts_and_unwinding_is_left_alone() -> None:
    def unwinding() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted) as stopped, listening():
        unwinding()
    assert stopped.value.signal == signal.SIGINT


def test_a_signal_that_is_ignored_stays_so() -> None:
    """As `nohup` and shells in scripts have it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening():
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.01)
            assert requested() is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_listening_within_listening_and_in_other_threads_changes_nothing() -> None:
    def listen() -> None:
        with listening():
            pass

    with listening():
        handler = signal.getsignal(signal.SIGTERM)
        listen()
        thread = threading.Thread(target=listen)
        thread.start()
        thread.join()
        assert signal.getsignal(signal.SIGTERM) == handler


def test_a_program_may_ask_itself() -> None:
    with pytest.raises(Interrupted) as stopped, listening():
        request(signal.SIGPIPE)
    assert stopped.value.exit_code == 141
    with listening():
        thread = threading.Thread(target=request, args=(signal.SIGPIPE,))
        thread.start()
        thread.join()
        assert requested() == signal.SIGPIPE
        with pytest.raises(Interrupted):
            raise_if_requested()


def test_a_forked_child_ends_as_if_nobody_listened() -> None:
    with listening():
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, b"there")  # Python drops a signal that comes while it forks
            time.sleep(10)
            os._exit(1)
        os.read(reader, 5)
        os.kill(child, signal.SIGTERM)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM


PROGRAM = """
import sys, time
from bdgf.core.interruption import Interrupted, deferred, listening
import {imported}

with listening():
    try:
        print("ready", flush=True)
        {busy}
    except Interrupted as stopped:
        print("unwound", flush=True)
        sys.exit(stopped.exit_code)
    finally:
        print("closed", flush=True)
"""


def program(busy: str, imported: str = "os") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(busy=busy, imported=imported)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", STOPPING)
@pytest.mark.parametrize(
    ("busy", "imported"),
    [
        ("time.sleep(60)", "os"),
        ("concurrent.futures.ThreadPoolExecutor(1).submit(time.sleep, 1).result()",
         "concurrent.futures"),
        ("hashlib.pbkdf2_hmac('sha1', b'', b'', 1_000_000)", "hashlib"),  # compiled code
    ],
)  # fmt: skip
def test_a_program_unwinds_wherever_it_is(busy: str, imported: str, number: signal.Signals) -> None:
    process = program(busy, imported)
    process.send_signal(number)
    assert process.communicate()[0] == "unwound\nclosed\n"
    assert process.returncode == 128 + number


def test_a_second_ctrl_c_ends_at_once_even_in_compiled_code() -> None:
    process = program("hashlib.pbkdf2_hmac('sha1', b'', b'', 2_000_000_000)", "hashlib")
    before = psutil.Process(process.pid).cpu_times().user
    while psutil.Process(process.pid).cpu_times().user < before + 0.1:
        time.sleep(0.01)  # it is there now
    process.send_signal(signal.SIGINT)
    time.sleep(interruption._PASSED_ON_SECONDS + 0.1)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.communicate()[0] == ""
    assert process.returncode == 130


def test_a_signal_that_is_passed_on_is_no_second_one() -> None:
    """`timeout` and `make` send what the terminal sent already; SIGTERM may come several times."""
    process = program("with deferred(): print('held', flush=True); time.sleep(1)")
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        process.send_signal(number)
        time.sleep(0.05)
    assert process.communicate()[0] == "closed\n"
    assert process.returncode == 0


def test_a_signal_within_a_destructor_is_silent_and_raised_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Dying:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)

    def die() -> None:
        with listening():
            dying = Dying()
            del dying
            raise_if_requested()

    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with pytest.raises(Interrupted):
        die()
    assert told == []
    assert sys.unraisablehook == told.append
