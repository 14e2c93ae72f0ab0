"""Signals that ask a program to stop, raised as one exception when no work is lost.

Only the main thread of a program that listens is interrupted. Without `listening` everything is
as Python has it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeVar

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # not every system has the last

_PASSED_ON_SECONDS = 0.5
"""A second Ctrl-C within so many seconds is the first one, passed on by a program in between."""

_END = b"\0"  # no signal has this number

EXIT_CODE_BASE = 128
"""A program that a signal ended exits with this and the signal's number, as shells have it."""


class Interrupted(BaseException):
    """A signal asked the program to stop.

    It is neither an `Exception` nor a `KeyboardInterrupt`, so that no library that catches those
    goes on as if nothing had happened.

    Attributes:
        signal: The signal.
        checkpoint: The checkpoint that a training wrote before it stopped, if it did.
        step: The step that the training had reached.
    """

    def __init__(
        self, number: signal.Signals, checkpoint: Path | None = None, step: int | None = None
    ) -> None:
        super().__init__(f"stopped by {number.name}")
        self.signal, self.checkpoint, self.step = number, checkpoint, step

    @property
    def exit_code(self) -> int:
        """The program's exit code."""
        return EXIT_CODE_BASE + self.signal


@dataclass
class _State:
    process: int | None = None  # the one that listens: its forked children do not
    requested: signal.Signals | None = None
    deferred: int = 0
    raised: bool = False


_state = _State()
_uninterruptible: set[CodeType] = set()
_Function = TypeVar("_Function", bound=Callable[..., Any])


@contextmanager
def listening() -> Iterator[None]:
    """Lets signals raise `Interrupted` in the main thread while the block runs.

    The first signal counts; those after it are ignored, but a second Ctrl-C ends the process at
    once, even where the main thread is busy in compiled code. A signal that is ignored already
    (as `nohup` has it) stays so. In another thread, and within another such block, nothing changes.
    """
    global _state
    main = threading.current_thread() is threading.main_thread()
    if not main or _state.process == os.getpid():
        yield
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    _state = _State(os.getpid())
    before = {}
    watcher = threading.Thread(target=_end_at_second, args=(reader,), daemon=True)
    watcher.start()
    shown, sys.unraisablehook = sys.unraisablehook, _silent(sys.unraisablehook)
    descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, _note)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(descriptor)
        sys.unraisablehook = shown
        writer.send(_END)  # closing is not enough: a forked child may hold a copy
        watcher.join()
        reader.close()
        writer.close()
        _state = _State()


@contextmanager
def deferred() -> Iterator[None]:
    """Holds `Interrupted` back while the block runs; `requested` says whether it is due."""
    _state.deferred += 1
    try:
        yield
    finally:
        _state.deferred -= 1


def uninterruptible(function: _Function) -> _Function:
    """Marks a function that a library in C calls back: no signal raises within it.

    Many such libraries do not bear an exception there; HDF5 ends the process when it closes. A
    block `with deferred()` would begin too late: the first instruction can be interrupted already.
    Whoever called the library calls `raise_if_requested` when it has returned.
    """
    _uninterruptible.add(function.__code__)
    return function


def requested() -> signal.Signals | None:
    """The signal that asked the program to stop, if one did."""
    return _state.requested


def request(number: signal.Signals) -> None:
    """Asks the program to stop as if `number` had come, and raises `Interrupted` where it may."""
    if _state.process != os.getpid():
        raise Interrupted(number)
    _state.requested = _state.requested or number
    if threading.current_thread() is threading.main_thread():
        _raise()


def raise_if_requested() -> None:
    """Raises `Interrupted` where a signal came that was held back, or that a library swallowed.

    An exception that a signal raises within a callback or a destructor is lost.
    """
    if _state.requested is not None and not _state.deferred:
        _state.raised = True
        raise Interrupted(_state.requested)


def _note(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _state.process:  # a forked child ends as if nobody listened
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        return
    _state.requested = _state.requested or signal.Signals(number)
    while frame is not None:
        if frame.f_code in _uninterruptible:
            return
        frame = frame.f_back
    _raise()


def _raise() -> None:
    # Once: what unwinds then is not to be interrupted.
    if not _state.raised:
        raise_if_requested()


def _silent(shown: Callable[[sys.UnraisableHookArgs], Any]) -> Callable[[Any], None]:
    # In a destructor the exception is lost: `raise_if_requested` raises it again, in peace.
    def hook(lost: sys.UnraisableHookArgs) -> None:
        if not isinstance(lost.exc_value, Interrupted):
            shown(lost)

    return hook


def _end_at_second(reader: socket.socket) -> None:
    # Python's handlers wait until the main thread is back in Python; bytes here do not.
    first = None
    while (numbers := reader.recv(1)) != _END:
        now = time.monotonic()
        if numbers[0] != signal.SIGINT:
            continue
        if first is not None and now - first >= _PASSED_ON_SECONDS:
            os._exit(EXIT_CODE_BASE + signal.SIGINT)
        first = now if first is None else first
