"""The log if the output is not a screen: unwrapped lines, so that paths can be copied."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FORM, TIME = "[%(asctime)s] %(levelname)-8s %(message)s", "%Y-%m-%d %H:%M:%S"


class PipedHandler(logging.StreamHandler):
    """Writes each record as one line to standard output."""

    def __init__(self, broken: Callable[[], None]) -> None:
        """Takes what is called when the output is no longer read (`| head`)."""
        super().__init__(sys.stdout)
        self._broken = broken
        self.setFormatter(logging.Formatter(FORM, TIME))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Tells of a closed pipe; Python would print a traceback and go on."""
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            self._broken()
        else:
            super().handleError(record)


@contextmanager
def whole_lines(broken: Callable[[], None]) -> Iterator[None]:
    """Takes rich's handlers out of the log where their console is no terminal.

    Rich breaks lines at 80 columns there, within paths too, and a wide console would fill every
    line with blanks.

    Args:
        broken: Called when the output is no longer read.
    """
    from rich.logging import RichHandler

    root = logging.getLogger()
    replaced = [
        handler
        for handler in root.handlers
        if isinstance(handler, RichHandler) and not handler.console.is_terminal
    ]
    plain = [PipedHandler(broken) for _ in replaced[:1]]
    for handler in replaced:
        root.removeHandler(handler)
    for own in plain:
        root.addHandler(own)
    try:
        yield
    finally:
        for own in plain:
            root.removeHandler(own)
        for handler in replaced:
            root.addHandler(handler)
