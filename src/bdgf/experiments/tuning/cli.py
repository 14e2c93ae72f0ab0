"""The command `kedro tune`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import click
from kedro.utils import find_kedro_project

from bdgf.experiments.cli import names, parse_seeds
from bdgf.experiments.executor_cli import executor_options
from bdgf.framework import known_names
from bdgf.framework.cli import ParamsOption
from bdgf.framework.endings import accounted_ending, end_at_once
from bdgf.framework.known_names import CommandWithNames
from bdgf.framework.one_line import one_line

GOES_ON = "the same command resumes; finished trials are not repeated"
_MEASURES = ("average_accuracy", "overall_accuracy", "kappa")


class TuneCommand(CommandWithNames):
    """`kedro tune`, with the available scenes and models in its help."""

    names: ClassVar = {"scenes": known_names.scenes, "models": known_names.models}


@click.command(cls=TuneCommand, params=[ParamsOption()])
@click.option("--scene", default="demo", show_default=True, help="The scene.")
@click.option("--model", default="bdgf", show_default=True, help="The model.")
@click.option(
    "--trials",
    default=50,
    show_default=True,
    type=click.IntRange(1),
    help="Trials in all, those of earlier calls included.",
)
@executor_options("trials")
@click.option(
    "--seeds",
    default="0",
    show_default=True,
    help="Every trial runs with each seed, and the mean counts; 0-4 is a range.",
)
@click.option(
    "--knobs",
    show_default="all that the model looks at",
    help="Parameters to search, or groups of them, separated by commas: train.classifier, "
    "features.timesteps.",
)
@click.option(
    "--measure",
    default=_MEASURES[0],
    show_default=True,
    type=click.Choice(_MEASURES),
    help="What is maximised.",
)
@click.option(
    "--prune/--no-prune",
    default=True,
    show_default=True,
    help="Give trials up that are worse than most; needs validation pixels while it trains.",
)
@click.option("--env", "-e", help="Kedro's environment.")
@click.pass_context
def tune(
    context: click.Context, seeds: str, knobs: str | None, params: dict[str, Any], **options: Any
) -> None:
    """Searches good settings on blocks held out of the training pixels, with Optuna.

    No test pixel is looked at. Each trial is a separate process, on this machine or on the workers
    of a cluster. The same command resumes a killed search; more --trials continue a finished one.
    The best settings are written as a file for conf/local.
    """
    from bdgf.experiments.tuning.search import TuneOptions
    from bdgf.experiments.tuning.tune import run_tune

    project = Path(find_kedro_project(Path.cwd()) or Path.cwd())
    os.chdir(project)
    with accounted_ending(GOES_ON), one_line():
        wanted = TuneOptions(
            seeds=parse_seeds(seeds),
            knobs=names(knobs, "--knobs") if knobs is not None else (),
            params=params or {},
            **options,
        )
        wanted.where.check()
        code = run_tune(wanted, project, _typed(context))
    end_at_once()
    context.exit(code)


def _typed(context: click.Context) -> str:
    """The command, with the options that were typed."""
    from bdgf.framework.mlflow_names import flatten

    parts = ["kedro tune"]
    for option in context.command.params:
        name = str(option.name)
        if context.get_parameter_source(name) is not click.core.ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        if name == "params":
            value = ",".join(f"{key}={one}" for key, one in flatten(value).items())
            value = f"'{value}'"
        if name == "prune":
            parts.append("--prune" if value else "--no-prune")
        else:
            parts.append(f"--{name} {value}")
    return " ".join(parts)
