"""The options that say where the runs of a command are, the same for each command."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click


def executor_options(runs: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command `--jobs`, `--threads`, `--executor`, `--scheduler` and `--workers`.

    The command is called with them as `where`, which is not checked yet.

    Args:
        runs: What the command does several of, in the plural: `runs`.
    """
    options = (
        click.option(
            "--jobs",
            show_default="1; with dask: as many as its workers take",
            type=click.IntRange(1),
            help=f"{runs.capitalize()} at the same time.",
        ),
        click.option(
            "--threads",
            show_default=f"cores divided by the {runs} at the same time",
            type=click.IntRange(1),
            help=f"Threads of each of the {runs}.",
        ),
        click.option(
            "--executor",
            default="local",
            show_default=True,
            type=click.Choice(["local", "dask"]),
            help=f"Where the {runs} are: on this machine, or on workers of dask.distributed.",
        ),
        click.option("--scheduler", help="Address of a dask scheduler: tcp://HOST:8786."),
        click.option(
            "--workers",
            type=click.IntRange(1),
            help="Dask workers to start on this machine instead.",
        ),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def gathered(*arguments: Any, **given: Any) -> Any:
            from bdgf.experiments.executors import ExecutorOptions

            names = ("executor", "jobs", "threads", "scheduler", "workers")
            where = ExecutorOptions(**{name: given.pop(name) for name in names})
            return command(*arguments, where=where, **given)

        for option in reversed(options):
            option(gathered)
        return gathered

    return decorate
