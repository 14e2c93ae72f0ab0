"""How a command ends: the state of its MLflow runs, its last line, its exit code."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from bdgf.core.interruption import Interrupted, deferred, listening, raise_if_requested, request
from bdgf.framework.piped_log import whole_lines

log = logging.getLogger(__name__)

ALL_DONE = "all was done by then"


@contextmanager
def accounted_ending(goes_on: str) -> Iterator[None]:
    """Ends a command with the right MLflow state, message and exit code.

    Stopped by a signal, or because its output is no longer read (`| head`), its MLflow runs end as
    KILLED, one line says how to go on, and the exit code is 128 and the signal's number. Where the
    signal comes when the work is done, the line says that. At an error they end as FAILED, and the
    error goes its way.

    Args:
        goes_on: What the line says where no training wrote a checkpoint: what the same command
            will not do again.
    """
    with listening(), _output_watched():
        try:
            yield
            goes_on = ALL_DONE
            raise_if_requested()
        except BaseException as error:
            stopped = stopped_by(error)
            with deferred():
                _end_runs("FAILED" if stopped is None else "KILLED")
            if stopped is None:
                raise
            _tell(stopped, goes_on)
            raise SystemExit(stopped.exit_code) from error


def end_at_once() -> None:
    """Lets Ctrl-C end this process by the signal from now on, as SIGTERM does.

    For a program that has nothing left to do but to close: Python would show a traceback, or click
    `Aborted!`, though all is saved.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def stopped_by(error: BaseException | None) -> Interrupted | None:
    """The interruption that an exception came of, if it came of one."""
    while error is not None:
        if isinstance(error, Interrupted):
            return error
        if isinstance(error, KeyboardInterrupt):
            return Interrupted(signal.SIGINT)
        if isinstance(error, BrokenPipeError) and any(map(_is_cut, (sys.stdout, sys.stderr))):
            return Interrupted(signal.SIGPIPE)
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def _output_watched() -> Iterator[None]:
    # Rich, which writes the log and the progress, would end the program with 1 then and there.
    from rich import get_console

    console = get_console()

    def stop() -> None:
        console.quiet = True
        request(signal.SIGPIPE)

    console.on_broken_pipe = stop  # type: ignore[method-assign]
    try:
        with whole_lines(stop):
            yield
    finally:
        del console.on_broken_pipe


def _end_runs(state: str) -> None:
    mlflow: Any = sys.modules.get("mlflow")  # else there is no run
    try:
        while mlflow is not None and mlflow.active_run():
            mlflow.end_run(state)
    except Exception as error:  # a tracking server that is gone
        log.warning("the MLflow run could not be ended as %s: %s", state, error)


def _tell(stopped: Interrupted, goes_on: str) -> None:
    if stopped.signal == signal.SIGPIPE:  # as every program ends behind `| head`
        _discard_output()
        return
    if stopped.checkpoint is not None:
        where = f" at step {stopped.step}; its checkpoint is {stopped.checkpoint}"
        goes_on = "the same command resumes from there"
    else:
        where = ""
    with suppress(OSError):  # the terminal may be gone
        click.echo(f"Stopped ({stopped.signal.name}){where}; {goes_on}", err=True)


def _is_cut(stream: Any) -> bool:
    # Whether `stream` is a pipe that nobody reads any more.
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):  # no file, or a system without poll
        return False


def _discard_output() -> None:
    # What is still in Python's buffer would be told as an error when the program ends.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in filter(_is_cut, (sys.stdout, sys.stderr)):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
