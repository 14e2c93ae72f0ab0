"""A search in a Kedro session of the project: its configuration, its trials, its results."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from bdgf.core.errors import SceneError
from bdgf.experiments.accounted_work import accounted_work
from bdgf.experiments.bench import scene_parameters
from bdgf.experiments.bench_lock import alone_in
from bdgf.experiments.executors import LocalExecutor, RunExecutor
from bdgf.experiments.open_executor import open_executor
from bdgf.experiments.suite import resolver
from bdgf.experiments.tuning.search import Search, TuneOptions
from bdgf.experiments.tuning.study import imported_optuna
from bdgf.experiments.tuning.tables import (
    BEST_FILE,
    best_line,
    trial_markdown,
    trial_table,
    used_at,
    write_results,
)
from bdgf.experiments.tuning.tracking import SearchTracking
from bdgf.experiments.tuning.trial_work import do_trials
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest
from bdgf.scenes.scene import OFFICIAL_TRAIN
from bdgf.splits.parts import split_totals
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split

REPORTING = Path("08_reporting") / "tune"
"""Where what people read goes, below the data folder."""


def run_tune(options: TuneOptions, project: Path, command: str) -> int:
    """Runs the search in the project at `project`, the working directory.

    Args:
        options: What was asked for.
        project: The project's folder.
        command: What was typed, for the results.

    Returns:
        The exit code: 0 when all trials were done and every result was written; 1 when one failed;
        130 after Ctrl-C and 143 after SIGTERM, with no process of the search left.

    Raises:
        UserError: Any error that the user can fix.
    """
    imported_optuna()  # told before anything else is done
    from kedro.framework.session import KedroSession

    with KedroSession.create(project, env=options.env) as session:
        # Sets MLflow up too: database and experiment are there before several processes start.
        context = session.load_context()  # type: ignore[attr-defined]
        loader = context.config_loader
        search = Search(options, resolver(scene_parameters(loader, options.env)), click.echo)
        with alone_in(search.folder, "search"):
            search.open()
            count = search.to_do()
            if count:
                _check_scene(search)
            named = options.scene + (f"@{options.env}" if options.env else "")
            folder = Path(loader["globals"]["data_folder"]) / REPORTING / named / options.model
            experiment = context.mlflow.tracking.experiment.name
            opened = open_executor(options.where, search.folder, search.say)
            with opened if count else nullcontext(LocalExecutor()) as executor:
                return _tune(search, count, folder, command, experiment, executor)


def _check_scene(search: Search) -> None:
    """Reads the scene and splits it once: what is wrong is told before hours of trials."""
    parameters = search.parameters
    scene = ingest(
        parameters["dataset"],
        parameters["scene"],
        IngestSettings.model_validate(parameters["ingest"]),
    )
    if OFFICIAL_TRAIN not in scene:
        raise SceneError(
            f"scene '{parameters['dataset']}' has no official training map, so that a search could "
            "only be judged on its test pixels; add `official_train` and `official_test` to its "
            "file (docs/how_to/tune.md)"
        )
    settings = SplitSettings.model_validate(parameters["split"])
    radius = parameters["train"]["classifier"]["patch"] // 2
    for seed in search.options.seeds:
        totals = split_totals(make_split(scene, settings, seed, radius))
        search.say(
            f"seed {seed}: {totals['train'] + totals['validation']:,} training pixels, judged on "
            f"{totals['test']:,} others held out of the official training map"
        )


def _tune(
    search: Search,
    count: int,
    folder: Path,
    command: str,
    experiment: str,
    executor: RunExecutor,
) -> int:
    search.say(
        f"{search.options.model} on {search.options.scene}: {len(search.knobs)} knobs, "
        f"{len(search.study.finished())} trials done, {count} to do"
    )
    tags = {"pipeline": "tune", "scene": search.options.scene, "model": search.options.model}
    name = f"tune {search.options.scene} {search.options.model}"
    tracking = SearchTracking(experiment, name, tags, search.study.mlflow_run)
    search.study.mlflow_run = tracking.run_id

    def work() -> int:
        failed = do_trials(search, count, tracking, executor)
        _conclude(search, tracking, folder, command)
        return failed

    def done() -> str:
        return f"{len(search.study.finished())} of {search.options.trials} trials done"

    return accounted_work(work, tracking, search.say, of=f"{count} trials", done=done)


def _conclude(search: Search, tracking: SearchTracking, folder: Path, command: str) -> None:
    markdown = trial_markdown(search, command)
    tracking.log_table("trials.md", markdown)
    tracking.log_table("trials.csv", trial_table(search).to_csv(index=False, float_format="%.6g"))
    written = write_results(search, folder, command)
    for path in written:
        search.say(f"written: {path}")
    line: Any = best_line(search)
    if line is None:
        return
    tracking.describe_search(line, markdown)
    tracking.log_table(BEST_FILE, (folder / BEST_FILE).read_text(encoding="utf-8"))
    search.say(line)
    search.say(f"to use it: cp {folder / BEST_FILE} {used_at(search)}")
