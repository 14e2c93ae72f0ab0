"""A user's error as one line on standard error, with exit code 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from bdgf.core.storage import user_error


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
        known = user_error(error)
        if known is None:
            raise
        raise OneLineError(" ".join(str(known).split())) from error
