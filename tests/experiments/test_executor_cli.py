"""The options that say where runs are, as a command is given them."""

from typing import Any

import click
from click.testing import CliRunner

from bdgf.experiments.executor_cli import executor_options
from bdgf.experiments.executors import ExecutorOptions


@click.command
@click.option("--before", default=1)
@executor_options("trials")
@click.option("--after", default=2)
@click.pass_context
def command(context: click.Context, **given: Any) -> None:
    """Shows what it is given."""
    context.obj.append(given)


def given(*arguments: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    result = CliRunner().invoke(command, arguments, obj=found)
    assert result.exit_code == 0, result.output
    (options,) = found
    return options


def test_a_command_is_given_all_of_them_as_one_and_its_own_options() -> None:
    assert given() == {"before": 1, "after": 2, "where": ExecutorOptions()}
    typed = ("--executor", "dask", "--workers", "3", "--jobs", "2", "--threads", "4")
    assert given(*typed, "--after", "5") == {
        "before": 1,
        "after": 5,
        "where": ExecutorOptions("dask", 2, 4, None, 3),
    }
    assert given("--scheduler", "tcp://x:1")["where"].scheduler == "tcp://x:1"


def test_help_names_what_is_run_in_the_order_of_the_options() -> None:
    told = CliRunner().invoke(command, ["--help"]).output
    options = ("--before", "--jobs", "--threads", "--executor", "--scheduler", "--workers")
    places = [told.index(option) for option in (*options, "--after")]
    assert places == sorted(places)
    assert "Trials at the same time" in " ".join(told.split())
