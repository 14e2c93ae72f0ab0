"""Curves, seconds and reuse in the active MLflow run, or nowhere."""

from pathlib import Path

import mlflow
import pytest

from bdgf.framework.mlflow_logger import REUSED, MlflowMetricLogger, log_reuse, logged_seconds


def test_what_is_logged_reaches_the_active_run(tmp_path: Path) -> None:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    try:
        with mlflow.start_run(experiment_id=mlflow.create_experiment("test")) as run:
            MlflowMetricLogger().log({"train/loss": 0.5}, 3)
            log_reuse("denoiser", True)
            log_reuse("feature_cube", False)
            with logged_seconds("fit"):
                pass
        measured = mlflow.get_run(run.info.run_id).data.metrics
    finally:
        mlflow.set_tracking_uri(before)
    assert measured["curve/train/loss"] == 0.5
    assert measured[REUSED.format("denoiser")] == 1
    assert measured[REUSED.format("feature_cube")] == 0
    assert measured["seconds/fit"] >= 0


def test_without_a_run_nothing_happens() -> None:
    MlflowMetricLogger().log({"train/loss": 0.5}, 3)
    log_reuse("denoiser", True)
    with pytest.raises(KeyError), logged_seconds("fit"):
        raise KeyError
