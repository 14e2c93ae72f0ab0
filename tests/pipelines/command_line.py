"""`kedro` as a user types it, in this process: starting one of its own takes seconds."""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import mlflow
from click.testing import CliRunner
from kedro.framework.cli.cli import KedroCLI
from kedro.utils import find_kedro_project
from mlflow.tracking import fluent

from bdgf.core.errors import UserError
from bdgf.core.storage import user_error
from bdgf.framework.one_line import OneLineError


@dataclass(frozen=True)
class Outcome:
    """What came of a command.

    Attributes:
        code: The exit code.
        stdout: Standard output.
        stderr: Standard error.
        logged: The log, a message a line.
        mistake: The user's mistake that ended it, if one did.
    """

    code: int
    stdout: str
    stderr: str
    logged: str
    mistake: UserError | None

    @property
    def printed(self) -> str:
        return f"{self.logged}\n{self.stdout}{self.stderr}"


def kedro(arguments: list[str], folder: Path, environment: Mapping[str, str | None]) -> Outcome:
    """Runs `kedro` with `arguments` in `folder`, through the program's own entry.

    Args:
        arguments: What is typed behind `kedro`.
        folder: The working directory.
        environment: Variables to set on top of those there are; None takes one away.
    """
    with _as_in_a_process_of_its_own(folder, environment):
        # As `kedro.framework.cli.main` does. It reads the project's commands, and logging with it.
        program = KedroCLI(find_kedro_project(Path.cwd()) or Path.cwd())
        with _log() as lines, _shown() as errors:
            result = CliRunner().invoke(program, arguments, prog_name="kedro")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception  # a user would see a traceback
    mistake = user_error(errors[0]) if errors else None
    return Outcome(result.exit_code, result.stdout, result.stderr, "\n".join(lines), mistake)


@contextmanager
def _as_in_a_process_of_its_own(
    folder: Path, environment: Mapping[str, str | None]
) -> Iterator[None]:
    # What a command leaves behind in its process is undone: the next one shall not notice.
    here, path = Path.cwd(), list(sys.path)
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    uri = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    names = ("kedro.pipeline.node", "kedro.runner.sequential_runner")
    filters = {name: list(logging.getLogger(name).filters) for name in names}
    # Other packages' advice to their own authors is no news here; `conf/logging.yml` drops it too.
    with patch.dict(os.environ), warnings.catch_warnings(action="ignore"):
        for name, value in environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        os.chdir(folder)
        try:
            yield
        finally:
            while mlflow.active_run():
                mlflow.end_run()
            mlflow.set_tracking_uri(uri)
            fluent._active_experiment_id = None
            for name, before in filters.items():
                logging.getLogger(name).filters[:] = before
            for number, handler in handlers.items():
                signal.signal(number, handler)
            sys.path[:] = path
            os.chdir(here)


@contextmanager
def _shown() -> Iterator[list[OneLineError]]:
    # click ends with an exit code alone; what it was made of is caught where it is shown.
    errors: list[OneLineError] = []
    show = OneLineError.show

    def remember(error: OneLineError, file: Any = None) -> None:
        errors.append(error)
        show(error, file)

    with patch.object(OneLineError, "show", remember):
        yield errors


@contextmanager
def _log() -> Iterator[list[str]]:
    lines: list[str] = []
    handler, logger = logging.Handler(logging.INFO), logging.getLogger("bdgf")
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    level = logger.level
    logger.setLevel(logging.INFO)
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)
        logger.setLevel(level)
