"""The bench in a Kedro session of the project: its configuration, its runs, its tables."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from bdgf.experiments.runner import Bench, BenchOptions
from bdgf.experiments.suite import resolver
from bdgf.experiments.tracking import BenchTracking
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest


def run_bench(options: BenchOptions, project: Path, only_tables: bool) -> int:
    """Runs the bench in the project at `project`, the working directory.

    Args:
        options: What was asked for.
        project: The project's folder.
        only_tables: Whether to run nothing and to tabulate what is recorded.

    Returns:
        The exit code: 0 when every run is recorded and every table written.

    Raises:
        UserError: Whatever the user can mend.
    """
    from kedro.framework.session import KedroSession

    with KedroSession.create(project, env=options.env) as session:
        # Sets MLflow up too: database and experiment are there before several processes start.
        context = session.load_context()  # type: ignore[attr-defined]
        loader = context.config_loader

        def of_scene(scene: str) -> dict[str, Any]:
            from kedro.framework.project import settings

            arguments = {"env": options.env, "runtime_params": {"dataset": scene}}
            made = type(loader)(loader.conf_source, **arguments, **settings.CONFIG_LOADER_ARGS)
            parameters: dict[str, Any] = made["parameters"]
            return parameters

        resolve = resolver(of_scene)
        planned = Bench(options, loader["bench"], resolve, click.echo)
        if options.published:
            folder = options.document.with_suffix("")
            click.echo(f"{planned.take_published()} runs taken from {folder}/")
        runs = [] if only_tables else planned.missing()
        for scene in dict.fromkeys(run.scene for run in runs):
            _check_data(resolve({"dataset": scene}))
        experiment = context.mlflow.tracking.experiment.name
    return _bench(planned, runs, experiment)


def _bench(planned: Bench, runs: list[Any], experiment: str) -> int:
    suites = ", ".join(planned.suites)
    wanted = {run.fingerprint for plan in planned.plans.values() for run in plan}
    recorded = sum(fingerprint in planned.records for fingerprint in wanted)
    planned.say(f"{suites}: {len(wanted)} runs, {recorded} recorded, {len(runs)} to do")
    if not runs:
        planned.tables()  # before anything is opened: there may be none
    tags = {"pipeline": "bench", "scene": ",".join(planned.options.scenes)}
    tracking = BenchTracking(experiment, f"bench {suites}", tags)
    complete = False
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends its processes too
    try:
        failed = planned.run(runs, tracking) if runs else 0
        tables = planned.tables()
        for table in tables:
            tracking.log_table(f"{table.key}.md", table.markdown)
            tracking.log_table(f"{table.key}.csv", table.csv)
        for path in planned.write(tables):
            planned.say(f"written: {path}")
        complete = not failed
    finally:
        tracking.end(failed=not complete)
    if failed:
        planned.say(f"{failed} of {len(runs)} runs failed; the same command tries them again")
    return int(not complete)


def _check_data(parameters: dict[str, Any]) -> None:
    # Reads the scene once: what is missing or damaged is told before hours of runs, not in each.
    settings = IngestSettings.model_validate(parameters["ingest"])
    ingest(parameters["dataset"], parameters["scene"], settings)
