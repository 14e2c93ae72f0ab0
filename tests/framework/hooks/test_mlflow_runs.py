"""The MLflow run of a pipeline run, and kedro-mlflow's hooks, in whose place it is opened."""

import os
import shutil
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from kedro.framework.hooks.manager import _create_hook_manager, _register_hooks_entry_points
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro_mlflow.config.kedro_mlflow_config import KedroMlflowConfig

from bdgf.core.errors import SceneError
from bdgf.framework.hooks.mlflow_runs import MlflowRunHooks
from bdgf.framework.hooks.processes import ProcessHooks
from bdgf.models.bdgf.settings import ClassifierSettings
from bdgf.models.registry import MODELS


def pipeline(output: str = "made") -> Pipeline:
    return Pipeline([Node(lambda given: 1, "params:seed", output, name="n")])


def catalog(model: str = "svm") -> DataCatalog:
    return DataCatalog({"params:model": MemoryDataset(model)})


@pytest.fixture
def hooks(active_run: Any) -> MlflowRunHooks:
    """Hooks that write to the experiment of `active_run`; no run is active."""
    mlflow.end_run()
    found = SimpleNamespace(experiment_id=active_run.info.experiment_id)
    tracking = SimpleNamespace(
        run=SimpleNamespace(id=None, name=None, nested=False),
        experiment=SimpleNamespace(_experiment=found),
        disable_tracking=SimpleNamespace(pipelines=["balance"]),
    )
    made = MlflowRunHooks()
    made._config = SimpleNamespace(tracking=tracking)
    return made


def begun(hooks: MlflowRunHooks, output: str = "made", name: str = "train") -> str:
    hooks.before_pipeline_run({"pipeline_names": [name]}, pipeline(output))
    run = mlflow.active_run()
    assert run is not None
    return str(run.info.run_id)


def state(run: str) -> tuple[str, str]:
    info = mlflow.get_run(run).info
    return info.status, info.lifecycle_stage


class _Setup:
    """Finds no experiment at first, and makes it when another process just has."""

    def __init__(self) -> None:
        self.calls = 0

    def setup(self, context: Any) -> None:
        self.calls += 1
        client = mlflow.MlflowClient()
        if self.calls == 1:
            client.create_experiment("first of several")
            client.create_experiment("first of several")


def test_an_experiment_that_another_run_made_in_the_same_moment_is_taken(
    active_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _Setup()
    validate = staticmethod(lambda given: config)
    monkeypatch.setattr(KedroMlflowConfig, "model_validate", validate)
    context: Any = SimpleNamespace(config_loader={"mlflow": {}})
    hooks = MlflowRunHooks()
    hooks.after_context_created(context)
    assert config.calls == 2
    assert context.mlflow is config


def test_kedro_mlflow_ui_finds_mlflow_where_the_environment_is_not_active(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = SimpleNamespace(setup=lambda context: None)
    monkeypatch.setattr(KedroMlflowConfig, "model_validate", staticmethod(lambda given: config))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    context: Any = SimpleNamespace(config_loader={"mlflow": {}})
    MlflowRunHooks().after_context_created(context)
    assert shutil.which("mlflow") == str(Path(sys.executable).parent / "mlflow")
    before = os.environ["PATH"]
    MlflowRunHooks().after_context_created(context)  # again in a process that goes on
    assert os.environ["PATH"] == before


def test_kedro_loads_no_hooks_of_kedro_mlflow_beside_these() -> None:
    manager, own = _create_hook_manager(), MlflowRunHooks()
    manager.register(own)
    _register_hooks_entry_points(manager, ())
    assert manager.get_plugin("mlflow_hook") is own


def test_a_run_that_ends_well_is_finished(
    hooks: MlflowRunHooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_RUN_CONTEXT", raising=False)
    ProcessHooks().after_context_created()
    run = begun(hooks)
    hooks.after_pipeline_run()
    assert state(run) == ("FINISHED", "active")
    tags = mlflow.get_run(run).data.tags
    assert "process.id" in tags
    assert not [value for value in tags.values() if " object at 0x" in value]


def test_a_mistake_before_anything_was_done_leaves_no_run(hooks: MlflowRunHooks) -> None:
    run = begun(hooks)
    hooks.on_pipeline_error(SceneError("a file is missing"))
    assert state(run)[1] == "deleted"
    assert mlflow.active_run() is None


@pytest.mark.parametrize(("error", "nodes"), [(SceneError("late"), 1), (ZeroDivisionError(), 0)])
def test_a_defect_or_a_late_mistake_is_a_failed_run(
    hooks: MlflowRunHooks, error: Exception, nodes: int
) -> None:
    run = begun(hooks)
    for _ in range(nodes):
        hooks.after_node_run()
    hooks.on_pipeline_error(error)
    assert state(run) == ("FAILED", "active")


def test_an_error_that_a_library_made_of_a_signal_is_a_killed_run(
    hooks: MlflowRunHooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(hooks)
    monkeypatch.setattr("bdgf.framework.hooks.mlflow_runs.requested", lambda: signal.SIGTERM)
    hooks.on_pipeline_error(SystemError("returned a result with an exception set"))
    assert state(run) == ("KILLED", "active")


def test_a_bench_s_run_stays_whatever_comes_of_it(
    hooks: MlflowRunHooks, active_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = {"mlflow.parentRunId": active_run.info.run_id}
    made = mlflow.MlflowClient().create_run(active_run.info.experiment_id, tags=tags)
    monkeypatch.setenv("MLFLOW_RUN_ID", made.info.run_id)
    run = begun(hooks)
    assert run == made.info.run_id
    hooks.on_pipeline_error(SceneError("a file is missing"))
    assert state(run) == ("FAILED", "active")


def test_a_run_that_was_there_is_taken_and_left_open(
    hooks: MlflowRunHooks, active_run: Any
) -> None:
    with mlflow.start_run(experiment_id=active_run.info.experiment_id) as run:
        assert begun(hooks) == run.info.run_id
        hooks.on_pipeline_error(ZeroDivisionError())
        hooks.after_pipeline_run()
        assert state(run.info.run_id) == ("RUNNING", "active")


def test_a_pipeline_whose_tracking_is_off_has_no_run(hooks: MlflowRunHooks) -> None:
    hooks.before_pipeline_run({"pipeline_names": ["balance"]}, pipeline())
    hooks.before_node_run(pipeline().nodes[0], catalog(), {"params:seed": 1})
    hooks.after_pipeline_run()
    assert mlflow.active_run() is None


GIVEN = {
    "params:seed": 3,
    "params:train": {"epochs": 5, "classifier": {"guides": {"cnn": "x"}, "patch": 11}},
    "params:features": {"timesteps": [50]},
    "params:working_folder": "data/working",
    "params:cache": {"folder": "data/working/cache", "keep": 3},
    "scene": "no parameter",
}


@pytest.mark.parametrize(
    ("model", "output", "expected"),
    [
        ("svm", "classifier", {"seed": "3"}),
        (
            "mft",
            "classifier",
            {"seed": "3", "train.epochs": "5", "train.classifier.patch": "11"},
        ),
        (
            "svm",
            "denoiser",  # is pretrained whatever the model
            {
                "seed": "3",
                "train.epochs": "5",
                "train.classifier.patch": "11",
                "train.classifier.guides.cnn": "x",
                "features.timesteps": "[50]",
            },
        ),
    ],
)
def test_parameters_that_only_other_models_use_are_not_logged(
    hooks: MlflowRunHooks, model: str, output: str, expected: dict[str, str]
) -> None:
    run = begun(hooks, output)
    hooks.before_node_run(pipeline().nodes[0], catalog(model), GIVEN)
    assert mlflow.get_run(run).data.params == {"cache.keep": "3"} | expected  # not where it works
    mlflow.end_run()


def test_every_part_of_the_classifier_is_known_to_matter_to_a_baseline_or_not() -> None:
    entry = MODELS["mft"]
    parts = {name for name in ClassifierSettings.model_fields if name != "patch"}
    assert {n for n in parts if entry.looks_at(f"train.classifier.{n}")} == set()
    assert entry.looks_at("train.classifier.patch")
