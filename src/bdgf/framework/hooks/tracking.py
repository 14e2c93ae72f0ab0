"""Name, tags and description of the MLflow run, to distinguish runs at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from bdgf import __version__
from bdgf.framework.hooks.console import summary
from bdgf.framework.made_from import BASELINE_SETTINGS
from bdgf.framework.mlflow_names import accuracies, description, flatten, run_name
from bdgf.framework.provenance import git_commit, typed_command
from bdgf.framework.run_kind import pipeline_name
from bdgf.models.registry import model_entry

# What is in a run's name anyway, or says only where its files are and how they are read.
_PLACES = (
    *("dataset", "seed", "model", "target", "data_folder", "working_folder"),
    *("cache.folder", "cache.keep", "check_digests"),
)
_PICTURES = {"metrics": "class_map_figure", "target_metrics": "target_quick_look"}
_PICTURE = "get-artifact?path=figures/class_map.png&run_uuid={}"
"""Where MLflow's pages find the picture of the map, from the address that they are opened at."""
NOTE, NAME = "mlflow.note.content", "mlflow.runName"
COMMIT, CHANGED = "mlflow.source.git.commit", "git.changed"
VARIANT = "bench.variant"
"""Tag of a bench's run: its row of the table, which is the run's name too."""


class TrackingHooks:
    """Names, tags and describes the MLflow run."""

    def __init__(self) -> None:
        self._trains = False
        self._name: dict[str, Any] = {}
        self._outputs: set[str] = set()

    @hook_impl(trylast=True)  # after the run was opened
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Sets the run's name and tags."""
        import mlflow

        self._outputs = set(pipeline.all_outputs())
        self._trains = "classifier" in self._outputs
        run = mlflow.active_run()
        if run is None:
            return
        typed = flatten(run_params.get("runtime_params") or {})
        tags = {
            "scene": catalog.load("params:dataset"),
            "split": catalog.load("params:split")["name"],
            "seed": catalog.load("params:seed"),
            "model": catalog.load("params:model"),
            "pipeline": pipeline_name(
                run_params.get("pipeline_names") or ["__default__"], pipeline
            ),
            "environment": run_params.get("env") or "base",
            "version": __version__,
        }
        self._name = {
            "pipeline": tags["pipeline"],
            "seed": int(tags["seed"]),
            "changed": {name: value for name, value in typed.items() if name not in _PLACES},
            "env": run_params.get("env"),
        }
        if VARIANT not in run.data.tags:
            tags[NAME] = run_name(tags["scene"], tags["model"], **self._name)
        mlflow.set_tags({**tags, **_origin(run_params)})
        # For the table, whichever nodes run.
        mlflow.log_params({"dataset": tags["scene"], "model": tags["model"]})
        if BASELINE_SETTINGS in pipeline.inputs():
            own = catalog.load(BASELINE_SETTINGS).get(tags["model"], {})
            mlflow.log_params(flatten({"baselines": {tags["model"]: own}}))

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Logs the settings of a classifier that an earlier run trained.

        Logged are the parameters that nodes take, and a run that only scores takes none of those
        that decide the score.
        """
        import mlflow

        if dataset_name != "classifier" or self._trains or mlflow.active_run() is None:
            return
        made = {k: v for k, v in data.config.items() if k in ("train", "baselines", "seed")}
        entry = model_entry(data.config["model"])
        mlflow.log_params({n: v for n, v in flatten(made).items() if entry.looks_at(n)})

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Adds the metrics to the run's name and description."""
        import mlflow

        run = mlflow.active_run()
        if run is None or dataset_name not in _PICTURES:
            return
        drawn = _PICTURES[dataset_name] in self._outputs
        picture = _PICTURE.format(run.info.run_id) if drawn else None
        tags = {NOTE: description(data, summary(data), picture)}
        if VARIANT in run.data.tags:
            tags[NAME] = f"{run.data.tags[NAME]} {accuracies(data)}"
        else:
            tags[NAME] = run_name(data["scene"], data["model"], scores=data, **self._name)
        mlflow.set_tags(tags)


def _origin(run_params: Mapping[str, Any]) -> dict[str, str]:
    command, commit = typed_command(), git_commit(Path(run_params.get("project_path") or "."))
    origin = {} if command is None else {"command": command}
    if commit is not None:
        origin |= {COMMIT: commit[0], CHANGED: str(commit[1]).lower()}
    return origin
