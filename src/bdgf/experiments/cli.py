"""The command `kedro bench`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import click
from kedro.utils import find_kedro_project

from bdgf.core.errors import SettingsError
from bdgf.experiments.executor_cli import executor_options
from bdgf.framework import known_names
from bdgf.framework.endings import accounted_ending, end_at_once
from bdgf.framework.known_names import CommandWithNames
from bdgf.framework.one_line import one_line

GOES_ON = "the same command resumes; recorded runs are not repeated"


class BenchCommand(CommandWithNames):
    """`kedro bench`, with the available suites and scenes in its help."""

    names: ClassVar = {"suites": known_names.suites, "scenes": known_names.scenes}


@click.command(cls=BenchCommand)
@click.option(
    "--suite",
    default="comparison",
    show_default=True,
    help="Suites of conf/*/bench.yml, separated by commas.",
)
@click.option("--scenes", default="demo", show_default=True, help="Scenes, separated by commas.")
@click.option("--seeds", default="0,1,2", show_default=True, help="Seeds; 0-4 is a range.")
@executor_options("runs")
@click.option("--reference", help="Variant to compare with; default: each suite's own.")
@click.option("--variant", multiple=True, help="Only this variant; repeat the option for several.")
@click.option("--table", is_flag=True, help="Run nothing; write tables of the recorded runs.")
@click.option("--again", is_flag=True, help="Repeat recorded runs.")
@click.option(
    "--published", is_flag=True, help="Use runs of the published files next to the document."
)
@click.option("--env", "-e", help="Kedro's environment.")
@click.option(
    "--document",
    show_default="08_reporting/bench/results.md of the data folder",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the tables; CSV and JSON go to a folder with its name. Published tables in "
    "docs/notebook are changed only if given here.",
)
@click.pass_context
def bench(context: click.Context, suite: str, scenes: str, seeds: str, **options: Any) -> None:
    """Runs suites of models and settings over scenes and seeds, and writes tables.

    Each run is a separate process, on this machine or on the workers of a cluster. The same
    command resumes a killed bench.
    """
    from bdgf.experiments.bench import run_bench
    from bdgf.experiments.runner import BenchOptions

    project = Path(find_kedro_project(Path.cwd()) or Path.cwd())
    os.chdir(project)
    only_tables = options.pop("table")
    with accounted_ending(GOES_ON), one_line():
        wanted = BenchOptions(
            names(suite, "--suite"), names(scenes, "--scenes"), parse_seeds(seeds), **options
        )
        wanted.where.check()
        code = run_bench(wanted, project, only_tables)
    end_at_once()
    context.exit(code)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds separated by commas; `0-4` is a range.

    Raises:
        SettingsError: The text has another form.
    """
    seeds: list[int] = []
    for part in names(text, "--seeds"):
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and (not dash or last.isdecimal())):
            raise SettingsError(f"--seeds has '{part}'; seeds are numbers such as 0,1,2 or 0-4")
        found = range(int(first), int(last if dash else first) + 1)
        if not found or found[-1] >= 2**32:
            raise SettingsError(f"--seeds has '{part}'; seeds are from 0 to {2**32 - 1}, ascending")
        seeds += found
    return tuple(dict.fromkeys(seeds))


def names(text: str, option: str) -> tuple[str, ...]:
    """Names separated by commas.

    Raises:
        SettingsError: There are no names.
    """
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise SettingsError(f"{option} names nothing; give names separated by commas")
    return found
