"""`kedro bench`, as it is typed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import click
from kedro.utils import find_kedro_project

from bdgf.core.errors import SettingsError
from bdgf.framework import known_names
from bdgf.framework.endings import accounted_ending, end_at_once
from bdgf.framework.known_names import CommandWithNames
from bdgf.framework.one_line import one_line

GOES_ON = "the same command goes on: it repeats no run that is recorded"


class BenchCommand(CommandWithNames):
    """`kedro bench`, whose help says which suites and scenes there are."""

    names: ClassVar = {"suites": known_names.suites, "scenes": known_names.scenes}


@click.command(cls=BenchCommand)
@click.option("--suite", default="comparison", show_default=True, help="Of conf/*/bench.yml.")
@click.option("--scenes", default="demo", show_default=True, help="Scenes, commas between them.")
@click.option("--seeds", default="0,1,2", show_default=True, help="Seeds; 0-4 is a range.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="At a time.")
@click.option("--reference", help="Variant to test the others against; else each suite's own.")
@click.option("--table", is_flag=True, help="Run nothing: tables from what is recorded.")
@click.option("--again", is_flag=True, help="Do runs anew that are recorded.")
@click.option(
    "--published", is_flag=True, help="Take runs that the files beside the document hold."
)
@click.option("--env", "-e", help="Kedro's environment.")
@click.option(
    "--document",
    show_default="08_reporting/bench/results.md of the data folder",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Takes the tables; CSV and JSON go to a folder of its name. What is published is "
    "docs/notebook: written when named here, never else.",
)
@click.pass_context
def bench(context: click.Context, suite: str, scenes: str, seeds: str, **options: Any) -> None:
    """Runs suites of models and settings over scenes and seeds, and tabulates them.

    One process a run. Killed and typed again it goes on where it was.
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
        code = run_bench(wanted, project, only_tables)
    end_at_once()
    context.exit(code)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds behind commas; `0-4` for a range.

    Raises:
        SettingsError: Something else is there.
    """
    seeds: list[int] = []
    for part in names(text, "--seeds"):
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and (not dash or last.isdecimal())):
            raise SettingsError(f"--seeds has '{part}'; seeds are numbers such as 0,1,2 or 0-4")
        found = range(int(first), int(last if dash else first) + 1)
        if not found or found[-1] >= 2**32:
            raise SettingsError(f"--seeds has '{part}'; seeds rise from 0 to {2**32 - 1}")
        seeds += found
    return tuple(dict.fromkeys(seeds))


def names(text: str, option: str) -> tuple[str, ...]:
    """Names behind commas.

    Raises:
        SettingsError: There are none.
    """
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise SettingsError(f"{option} names nothing; give names with commas between them")
    return found
