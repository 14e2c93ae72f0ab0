"""`kedro run` of this project: a user's error ends with one line."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.utils import find_kedro_project

from bdgf.core.storage import user_error
from bdgf.framework import known_names
from bdgf.framework.endings import accounted_ending, end_at_once
from bdgf.framework.known_names import CommandWithNames
from bdgf.framework.one_line import OneLineError, one_line
from bdgf.framework.run_options import refuse_unknown_runner
from bdgf.framework.runtime_params import parse_params
from bdgf.framework.torchrun import help_pipeline, helpers_released, is_helper

PARAMS_HELP = """Override configured parameters: name=value with dotted names, separated by
commas. Can be repeated. A value is read as YAML: 3, 0.5, true, null, text, [1, 2],
{a: 1}. Example: --params dataset=trento,seed=3 --params 'features.timesteps=[50, 100]'"""


GOES_ON = "the same command resumes it and reuses finished results"


class _SilenceUserErrors(logging.Filter):
    """Drops Kedro's own report of a node that failed by a user's error, to report it only once."""

    def filter(self, record: logging.LogRecord) -> bool:
        return user_error(sys.exc_info()[1]) is None


def tell_in_one_line() -> None:
    """Makes every `kedro` command, also Kedro's own, end with one line at a user's error."""
    told_before = sys.excepthook

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        known = user_error(error)
        if known is None:
            told_before(kind, error, trace)
        else:
            OneLineError(" ".join(str(known).split())).show()

    sys.excepthook = tell


class ParamsOption(click.Option):
    """Kedro's `--params`, extended: can be repeated, and accepts lists and mappings."""

    def __init__(self) -> None:
        super().__init__(["--params"], multiple=True, type=click.UNPROCESSED, help=PARAMS_HELP)

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """The parameters, nested."""
        if isinstance(value, dict):  # from the file behind Kedro's `--config`
            return value
        with one_line():
            return parse_params([value] if isinstance(value, str) else value or ())


def _run(pipeline: str | None = None, pipelines: Any = (), **options: Any) -> Any:
    if is_helper():
        help_pipeline()
        return None
    # `--pipeline` is the documented spelling here; Kedro would warn that it has a newer one.
    if pipeline:
        if pipelines:
            raise click.UsageError("give --pipeline or --pipelines, not both")
        pipelines = [pipeline]
    # Relative paths in the parameters are the project's, wherever in it the command is typed.
    os.chdir(find_kedro_project(Path.cwd()) or Path.cwd())
    for name in ("kedro.pipeline.node", "kedro.runner.sequential_runner"):
        logging.getLogger(name).addFilter(_SilenceUserErrors())
    with accounted_ending(GOES_ON), one_line():
        refuse_unknown_runner(options.get("runner"))
        with helpers_released():
            result = kedro_run.callback(pipeline=None, pipelines=pipelines, **options)  # type: ignore[misc]
    end_at_once()
    return result


_OPTIONS = [ParamsOption() if o.name == "params" else o for o in kedro_run.params]
RUN_HELP = """Run a pipeline.

The scene, the model and every other setting are parameters: kedro run --pipeline=full --params
dataset=demo,model=svm"""


class RunCommand(CommandWithNames):
    """`kedro run`, with the available names in its help."""

    names: ClassVar = {
        "pipelines": known_names.pipelines,
        "scenes (dataset=)": known_names.scenes,
        "models (model=)": known_names.models,
    }


run = RunCommand("run", params=_OPTIONS, callback=_run, help=RUN_HELP)
