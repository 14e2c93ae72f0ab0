"""Kedro hooks: checks before a run, tags on the MLflow run, artifacts into it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol, DatasetError, MemoryDataset
from kedro.pipeline import Node, Pipeline

from bdgf.core.errors import MissingArtifactError
from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.models.registry import model_entry
from bdgf.pipeline_registry import pipeline_name, plain_names

log = logging.getLogger(__name__)

# What is in a run's name anyway, or says only where its files are.
_PLACES = ("dataset", "seed", "data_folder", "working_folder", "cache.folder", "cache.keep")


BASELINE_SETTINGS = "baseline_settings"


class SceneHooks:
    """Puts into the catalog what is configured for all scenes and models, of which a run uses one.

    These are no `params:` inputs: kedro-mlflow would log each file name, class and other model's
    setting as a parameter of the run and bury the ones that tell runs apart.
    """

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol, parameters: dict[str, Any]) -> None:
        """Adds `scene_configuration`, what `ingest` starts from, and `baseline_settings`."""
        catalog["scene_configuration"] = MemoryDataset(parameters["params:scene"])
        catalog[BASELINE_SETTINGS] = MemoryDataset(parameters["params:baselines"])


class CheckHooks:
    """Refuses a run that cannot succeed before any node of it starts."""

    @hook_impl(tryfirst=True)  # before an MLflow run is opened for it
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Validates every parameter the pipeline takes, and that its inputs were made."""
        from bdgf.framework.validation import check_parameters

        taken = [name[7:] for name in pipeline.inputs() if name.startswith("params:")]
        groups = {name.split(".")[0] for name in taken}  # a part is checked with its group
        parameters = {name: catalog.load(f"params:{name}") for name in sorted(groups)}
        if BASELINE_SETTINGS in pipeline.inputs():
            parameters["baselines"] = catalog.load(BASELINE_SETTINGS)
        check_parameters(parameters)
        missing = [
            name
            for name in sorted(pipeline.inputs())
            if not name.startswith("params:") and not catalog.exists(name)
        ]
        if missing:
            scene, model = (str(catalog.load(f"params:{name}")) for name in ("dataset", "model"))
            raise MissingArtifactError(_what_to_run(missing, scene, model))


def _what_to_run(missing: list[str], scene: str, model: str) -> str:
    from kedro.framework.project import pipelines

    uses_features = model_entry(model).uses_features
    makers = [
        step
        for step in ("ingest", "prepare", "pretrain", "features", "train", "evaluate")
        if pipelines[pipeline_name(step, uses_features)].all_outputs() & set(missing)
    ]
    first = makers[0] if len(makers) == 1 else "full"
    names = ", ".join(name.replace("_", " ") for name in missing)
    return (
        f"scene '{scene}' has no {names} yet; run first: "
        f"kedro run --pipeline={first} --params dataset={scene},model={model}"
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
            "pipeline": "+".join(plain_names(run_params.get("pipeline_names") or [])),
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


class ArtifactHooks:
    """Puts the files and figures that the catalog marks into the MLflow run.

    An entry with `metadata: {mlflow: {artifact_path: maps}}` is logged as the file it was just
    saved to; with `metadata: {mlflow: {metrics: true}}` its numbers are logged as metrics.
    """

    def __init__(self) -> None:
        self._catalog: CatalogProtocol | None = None

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol) -> None:
        """Remembers the catalog: saved values are passed without their dataset."""
        self._catalog = catalog

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Logs the file that was saved and the numbers in it, as the entry asks."""
        import mlflow

        run = mlflow.active_run()
        if run is None or self._catalog is None:
            return
        dataset = self._catalog.get(dataset_name)
        wish = (getattr(dataset, "metadata", None) or {}).get("mlflow") or {}
        if wish.get("metrics"):
            mlflow.log_metrics(numbers(data))
            # What was scored knows better than the command line what it was trained with.
            mlflow.set_tags(
                {"model": data["model"], "split": data["split"]["name"], "seed": data["seed"]}
            )
        folder = wish.get("artifact_path")
        # A bench compares: nobody wants its hundreds of models, and forests are large.
        if folder and not (folder == "model" and "bench.suite" in run.data.tags):
            for path in saved_files(dataset):
                mlflow.log_artifact(str(path), artifact_path=folder)


class ReportingHooks:
    """Says what runs, and ends with what a person wants next: figures, files, what to type."""

    RESULTS = ("metrics", "class_map", "class_map_figure", "modality_balance")

    def __init__(self) -> None:
        self._started, self._nodes = 0, 0

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Counts the nodes to come."""
        self._started, self._nodes = 0, len(pipeline.nodes)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Logs one line a node."""
        self._started += 1
        log.info("[%d/%d] %s", self._started, self._nodes, node.short_name.replace("_", " "))

    @hook_impl(trylast=True)
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Logs one line a result."""
        made = [name for name in self.RESULTS if name in pipeline.all_outputs()]
        for name in made:
            path = saved_files(catalog.get(name))[0]
            path = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            if name == "metrics":
                log.info("%s", summary(catalog.load(name)))
            log.info("%s: %s", name.replace("_", " "), path)
        if made:
            log.info("compare runs: kedro mlflow ui")


def summary(metrics: Mapping[str, Any]) -> str:
    """The headline figures of a metrics file in one line."""
    shown = {"OA": "overall_accuracy", "AA": "average_accuracy", "kappa": "kappa"}
    figures = ", ".join(f"{short} {100 * metrics[name]:.2f} %" for short, name in shown.items())
    split = metrics["split"]
    return (
        f"{metrics['scene']}, {metrics['model']}, split {split['name']}, seed {metrics['seed']}: "
        f"{figures} on {split['test']} test pixels; leakage {100 * metrics['leakage']:.1f} %, "
        f"calibration error {100 * metrics['calibration_error']:.1f} %"
    )


def saved_files(dataset: Any) -> list[Path]:
    """The files that `dataset` was last saved to.

    Kedro offers no public way to the versioned path; a test holds this private one.

    Raises:
        DatasetError: Nothing was saved yet.
    """
    path = Path(dataset._get_load_path())
    if not path.exists():
        raise DatasetError(f"{path} was not written")
    return dataset.companions(path) if isinstance(dataset, LocalVersionedDataset) else [path]


def flatten(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested mappings as one level with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{above}{name}.")
        else:
            flat[f"{above}{name}"] = value
    return flat


def numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The scalar metrics by a name that MLflow allows; tables and texts are left out."""
    allowed = str.maketrans(dict.fromkeys("()[]{},;'\"%&+*?!#=<>|\\", "_"))
    return {
        name.translate(allowed): float(value)
        for name, value in flatten(metrics).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
