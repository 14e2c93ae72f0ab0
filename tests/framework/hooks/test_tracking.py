"""Name, tags and parameters of the MLflow run."""

from types import SimpleNamespace

import mlflow
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from bdgf.framework.hooks.tracking import TrackingHooks
from tests.framework.hooks.small_metrics import METRICS


def entries() -> DataCatalog:
    values = {
        "params:dataset": "coast",
        "params:split": {"name": "official"},
        "params:seed": 3,
        "params:model": "svm",
        "baseline_settings": {"svm": {"folds": 5}, "mft": {"width": 64}},
    }
    return DataCatalog({name: MemoryDataset(value) for name, value in values.items()})


def started(active_run, *inputs: str, **run):  # type: ignore[no-untyped-def]
    pipeline = Pipeline([Node(lambda *given: 1, [*inputs], "made", name="n")])
    TrackingHooks().before_pipeline_run(run, pipeline, entries())
    return mlflow.get_run(active_run.info.run_id).data


def test_the_run_is_named_by_what_was_typed(active_run) -> None:  # type: ignore[no-untyped-def]
    typed = {"dataset": "coast", "seed": 3, "train": {"epochs": 20}}
    names = ["__default__"]
    logged = started(active_run, "params:seed", runtime_params=typed, pipeline_names=names)
    assert logged.tags["mlflow.runName"] == "coast svm seed 3 train.epochs=20"
    wanted = {"scene": "coast", "split": "official", "seed": "3", "model": "svm"}
    assert wanted.items() <= logged.tags.items()


def test_only_the_model_s_own_settings_are_logged(active_run) -> None:  # type: ignore[no-untyped-def]
    logged = started(active_run, "baseline_settings", env="paper").params
    assert logged["baselines.svm.folds"] == "5"
    assert not any(name.startswith("baselines.mft") for name in logged)


def test_a_run_that_only_scores_says_what_the_model_was_trained_with(active_run) -> None:  # type: ignore[no-untyped-def]
    train = {"epochs": 12, "classifier": {"guides": {}, "fusion": "mean"}}
    config = {"train": train, "seed": 4, "history": {}, "model": "mft"}
    TrackingHooks().after_dataset_loaded("classifier", SimpleNamespace(config=config))
    logged = mlflow.get_run(active_run.info.run_id).data.params
    assert logged == {"train.epochs": "12", "seed": "4"}


def test_what_was_measured_is_in_the_name_and_the_description(active_run) -> None:  # type: ignore[no-untyped-def]
    pipeline = Pipeline([Node(lambda: 1, None, "class_map_figure", name="n")])
    hooks = TrackingHooks()
    hooks.before_pipeline_run({"pipeline_names": ["evaluate"]}, pipeline, entries())
    hooks.after_dataset_saved("metrics", METRICS)
    tags = mlflow.get_run(active_run.info.run_id).data.tags
    assert tags["mlflow.runName"] == "demo 90.0/80.0 bdgf seed 3"
    assert "OA 90.00 %" in tags["mlflow.note.content"]
    assert active_run.info.run_id in tags["mlflow.note.content"]


def test_a_run_of_a_bench_keeps_the_name_of_its_row(active_run) -> None:  # type: ignore[no-untyped-def]
    experiment = active_run.info.experiment_id
    mlflow.end_run()
    tags = {"bench.variant": "all branches"}
    client = mlflow.MlflowClient()
    made = client.create_run(experiment, tags=tags, run_name="all branches, demo seed 3")
    with mlflow.start_run(run_id=made.info.run_id):
        hooks = TrackingHooks()
        pipeline = Pipeline([Node(lambda: 1, None, "metrics", name="n")])
        hooks.before_pipeline_run({}, pipeline, entries())
        hooks.after_dataset_saved("metrics", METRICS)
    name = client.get_run(made.info.run_id).data.tags["mlflow.runName"]
    assert name == "all branches, demo seed 3 90.0/80.0"
