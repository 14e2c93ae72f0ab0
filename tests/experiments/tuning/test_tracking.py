"""The search's own run in MLflow, and those of its trials."""

import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest

from bdgf.experiments.tuning.tracking import STATE, SearchTracking
from tests.experiments.small_suite import PLAN
from tests.pipelines.project import empty_database


@pytest.fixture
def experiment(tmp_path: Path) -> Any:
    before = mlflow.get_tracking_uri()
    shutil.copy(empty_database(), tmp_path / "mlflow.db")  # to make one takes seconds
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    mlflow.create_experiment("test", artifact_location=(tmp_path / "runs").as_uri())
    yield "test"
    mlflow.set_tracking_uri(before)


def test_a_search_goes_on_in_its_run_and_a_deleted_one_is_made_anew(experiment: str) -> None:
    first = SearchTracking(experiment, "tune x", {"scene": "x"})
    first.end("KILLED")
    again = SearchTracking(experiment, "tune x", {"scene": "x"}, first.run_id)
    assert again.run_id == first.run_id
    assert mlflow.get_run(first.run_id).info.status == "RUNNING"
    mlflow.delete_run(first.run_id)
    assert SearchTracking(experiment, "tune x", {}, first.run_id).run_id != first.run_id
    assert SearchTracking(experiment, "tune x", {}, "0" * 32).run_id != "0" * 32


def test_the_curve_of_a_trial_is_what_its_training_logs(experiment: str) -> None:
    tracking = SearchTracking(experiment, "tune x", {})
    run = tracking.open_run(PLAN[0])
    assert list(tracking.curve(run, "average_accuracy")) == []
    client = mlflow.MlflowClient()
    for step in (10, 20):
        client.log_metric(run, "curve/validation/average_accuracy", step / 100, step=step)
        client.log_metric(run, "curve/validation/overall_accuracy", step / 50, step=step)
    assert list(tracking.curve(run, "average_accuracy")) == [(10, 0.1), (20, 0.2)]
    assert list(tracking.curve(run, "kappa")) == [(10, 0.2), (20, 0.4)]


def test_the_search_s_run_shows_the_best_so_far_and_the_table(experiment: str) -> None:
    tracking = SearchTracking(experiment, "tune x", {})
    tracking.log_best("average_accuracy", 0.7, 0)
    tracking.log_best("average_accuracy", 0.8, 1)
    tracking.describe_search("best: trial 1", "| a table |")
    data = mlflow.get_run(tracking.run_id).data
    assert data.metrics == {"aa": 0.8}
    assert data.tags["best"] == "best: trial 1"
    assert "| a table |" in data.tags["mlflow.note.content"]
    tracking.describe_search("best: trial 1", "x" * 9000)
    note = mlflow.get_run(tracking.run_id).data.tags["mlflow.note.content"]
    assert "tables/trials.md" in note


def test_a_trial_that_is_given_up_is_marked_and_ended(experiment: str) -> None:
    tracking = SearchTracking(experiment, "tune x", {})
    run = tracking.open_run(PLAN[0])
    tracking.mark_pruned(run)
    found = mlflow.get_run(run)
    assert found.info.status == "KILLED"
    assert found.data.tags[STATE] == "pruned"
    assert found.data.tags["mlflow.parentRunId"] == tracking.run_id
