"""Name, tags and parameters of the MLflow run, so that two runs are told apart at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from bdgf.framework.made_from import BASELINE_SETTINGS

# What is in a run's name anyway, or says only where its files are and how they are read.
_PLACES = (
    "dataset",
    "seed",
    "data_folder",
    "working_folder",
    "cache.folder",
    "cache.keep",
    "check_digests",
)


class TrackingHooks:
    """Names and tags the MLflow run, so that two of them are told apart at a glance."""

    def __init__(self) -> None:
        self._trains = False

    @hook_impl(trylast=True)  # after kedro-mlflow has opened the run
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Sets the run's name, and its scene, split, seed, model and environment as tags."""
        import mlflow

        self._trains = "classifier" in pipeline.all_outputs()
        if mlflow.active_run() is None:
            return
        typed = run_params.get("runtime_params") or {}
        tags = {
            "scene": catalog.load("params:dataset"),
            "split": catalog.load("params:split")["name"],
            "seed": catalog.load("params:seed"),
            "model": catalog.load("params:model"),
            "pipeline": "+".join(_typed(run_params.get("pipeline_names") or ["__default__"])),
            "environment": run_params.get("env") or "base",
        }
        changed = [
            f"{name}={value}" for name, value in flatten(typed).items() if name not in _PLACES
        ]
        env = [f"({run_params['env']})"] if run_params.get("env") else []
        parts = [f"{tags['scene']} {tags['pipeline']} seed {tags['seed']}", *changed, *env]
        mlflow.set_tags({**tags, "mlflow.runName": " ".join(parts)})
        # For the table, whichever nodes run.
        mlflow.log_params({"dataset": tags["scene"], "model": tags["model"]})
        if BASELINE_SETTINGS in pipeline.inputs():
            own = catalog.load(BASELINE_SETTINGS).get(tags["model"], {})
            mlflow.log_params(flatten({"baselines": {tags["model"]: own}}))

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Logs the settings of a classifier that an earlier run trained.

        kedro-mlflow logs the parameters that nodes take, and a run that only scores takes none of
        those that decide the score.
        """
        import mlflow

        if dataset_name != "classifier" or self._trains or mlflow.active_run() is None:
            return
        made = {k: v for k, v in data.config.items() if k in ("train", "baselines", "seed")}
        mlflow.log_params(flatten(made))


def flatten(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested mappings as one level with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{above}{name}.")
        else:
            flat[f"{above}{name}"] = value
    return flat


def _typed(names: list[str]) -> list[str]:
    # The default pipeline is `full` by another name.
    return ["full" if name == "__default__" else name for name in names]
