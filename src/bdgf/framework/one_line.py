"""A user's error as one line on standard error, with exit code 1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from bdgf.core.errors import StorageError, UserError
from bdgf.core.storage import user_error
from bdgf.core.storage_reason import chain

_NO_ANSWER = re.compile(r"API request to (\S+) failed with ")
"""What MLflow says when its server gave no answer after several tries."""


class OneLineError(click.ClickException):
    """Shows a user's mistake as one line and exits with 1."""

    def show(self, file: Any = None) -> None:
        """Prints the line to standard error."""
        click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(self.message, err=True)


@contextmanager
def one_line() -> Iterator[None]:
    """Turns a user's mistake into `OneLineError`."""
    try:
        yield
    except Exception as error:
        known = user_error(error) or lost_server(error)
        if known is None:
            raise
        raise OneLineError(" ".join(str(known).split())) from error


def lost_server(error: BaseException) -> UserError | None:
    """The one line for an MLflow server that stopped answering; None for all else."""
    for cause in chain(error):
        told = _NO_ANSWER.match(str(cause))
        if told and type(cause).__module__.startswith("mlflow."):
            return StorageError(
                f"the MLflow server stopped answering ({told[1]}); when it runs, type the same "
                "command again: finished results and checkpoints are reused"
            )
    return None
