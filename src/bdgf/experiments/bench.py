"""The bench in a Kedro session of the project: its configuration, its runs, its tables."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from bdgf.experiments.accounted_work import accounted_work
from bdgf.experiments.bench_lock import alone_in
from bdgf.experiments.executors import LocalExecutor, RunExecutor
from bdgf.experiments.open_executor import open_executor
from bdgf.experiments.runner import Bench, BenchOptions
from bdgf.experiments.suite import resolver
from bdgf.experiments.tracking import BenchTracking
from bdgf.framework.latest_folder import LATEST, replace_folder
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest

REPORTING = Path("08_reporting") / "bench"
"""Where what people read goes, below the data folder."""
DOCUMENT = "results.md"
"""Where in it the tables go if nobody names another document."""


def run_bench(options: BenchOptions, project: Path, only_tables: bool) -> int:
    """Runs the bench in the project at `project`, the working directory.

    Args:
        options: What was asked for.
        project: The project's folder.
        only_tables: Whether to run nothing and to tabulate what is recorded.

    Returns:
        The exit code: 0 when every run is recorded and every table written; 130 after Ctrl-C and
        143 after SIGTERM, with no process of the bench left.

    Raises:
        UserError: Any error that the user can fix.
    """
    from kedro.framework.session import KedroSession

    with KedroSession.create(project, env=options.env) as session:
        # Sets MLflow up too: database and experiment are there before several processes start.
        context = session.load_context()  # type: ignore[attr-defined]
        loader = context.config_loader

        resolve = resolver(scene_parameters(loader, options.env))
        if options.document is None:
            options = replace(options, document=_own_document(loader))
        planned = Bench(options, loader["bench"], resolve, click.echo)
        # Who only looks at what is recorded may do so beside a bench that records.
        with nullcontext() if only_tables else alone_in(planned.folder):
            if options.published:
                click.echo(f"{planned.take_published()} runs taken from {planned.published}/")
            runs = [] if only_tables else planned.missing()
            for scene in dict.fromkeys(run.scene for run in runs):
                _check_data(resolve({"dataset": scene}))
            latest = _reporting(loader) / LATEST
            experiment = context.mlflow.tracking.experiment.name
            opened = open_executor(options.where, planned.folder, planned.say)
            with opened if runs else nullcontext(LocalExecutor()) as executor:
                return _bench(planned, runs, latest, experiment, executor)


def scene_parameters(loader: Any, env: str | None) -> Callable[[str], dict[str, Any]]:
    """What reads all parameters of a scene.

    Args:
        loader: The loader of a Kedro session of the project.
        env: Kedro's environment; None for the default one.
    """
    from kedro.framework.project import settings

    def of_scene(scene: str) -> dict[str, Any]:
        arguments = {"env": env, "runtime_params": {"dataset": scene}}
        made = type(loader)(loader.conf_source, **arguments, **settings.CONFIG_LOADER_ARGS)
        parameters: dict[str, Any] = made["parameters"]
        return parameters

    return of_scene


def _own_document(loader: Any) -> Path:
    # What is published is written by name alone: a try must not change it.
    return _reporting(loader) / DOCUMENT


def _reporting(loader: Any) -> Path:
    return Path(loader["globals"]["data_folder"]) / REPORTING


def _bench(
    planned: Bench, runs: list[Any], latest: Path, experiment: str, executor: RunExecutor
) -> int:
    suites = ", ".join(planned.suites)
    wanted = {run.fingerprint for plan in planned.plans.values() for run in plan}
    recorded = sum(fingerprint in planned.records for fingerprint in wanted)
    planned.say(f"{suites}: {len(wanted)} runs, {recorded} recorded, {len(runs)} to do")
    if not runs:
        planned.tables()  # before anything is opened: there may be none
    tags = {"pipeline": "bench", "scene": ",".join(planned.options.scenes)}
    tracking = BenchTracking(experiment, f"bench {suites}", tags)

    def work() -> int:
        failed = planned.run(runs, tracking, executor) if runs else 0
        _conclude(planned, tracking, latest)
        return failed

    def done() -> str:
        recorded = sum(fingerprint in planned.records for fingerprint in wanted)
        return f"{recorded} of {len(wanted)} runs recorded"

    return accounted_work(work, tracking, planned.say, of=f"{len(runs)} runs", done=done)


def _conclude(planned: Bench, tracking: BenchTracking, latest: Path) -> None:
    tables = planned.tables()
    for table in tables:
        tracking.log_table(f"{table.key}.md", table.markdown)
        tracking.log_table(f"{table.key}.csv", table.csv)
    tracking.describe(tables)
    written = planned.write(tables)
    for path in written:
        planned.say(f"written: {path}")
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.html"
        report.write_text(planned.report(tables), encoding="utf-8")
        tracking.log_table(report.name, report.read_text(encoding="utf-8"))
        replace_folder(latest, [report, *written])
    planned.say(f"all results: {latest}")


def _check_data(parameters: dict[str, Any]) -> None:
    # Reads the scene once: what is missing or damaged is told before hours of runs, not in each.
    settings = IngestSettings.model_validate(parameters["ingest"])
    ingest(parameters["dataset"], parameters["scene"], settings)
