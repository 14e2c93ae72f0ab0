"""Name, tags and parameters of the MLflow run."""

from types import SimpleNamespace

import mlflow
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from bdgf.framework.hooks.tracking import TrackingHooks, flatten


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
    assert logged.tags["mlflow.runName"] == "coast full seed 3 train.epochs=20"
    wanted = {"scene": "coast", "split": "official", "seed": "3", "model": "svm"}
    assert wanted.items() <= logged.tags.items()


def test_only_the_model_s_own_settings_are_logged(active_run) -> None:  # type: ignore[no-untyped-def]
    logged = started(active_run, "baseline_settings", env="paper").params
    assert logged["baselines.svm.folds"] == "5"
    assert not any(name.startswith("baselines.mft") for name in logged)


def test_a_run_that_only_scores_says_what_the_model_was_trained_with(active_run) -> None:  # type: ignore[no-untyped-def]
    config = {"train": {"epochs": 12}, "seed": 4, "history": {}}
    TrackingHooks().after_dataset_loaded("classifier", SimpleNamespace(config=config))
    logged = mlflow.get_run(active_run.info.run_id).data.params
    assert logged == {"train.epochs": "12", "seed": "4"}


def test_nested_parameters_become_dotted() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": [2]}) == {"a.b.c": 1, "d": [2]}
