"""An MLflow run to write to."""

import shutil
from pathlib import Path

import mlflow
import pytest

from tests.pipelines.project import empty_database


@pytest.fixture
def active_run(tmp_path: Path):  # type: ignore[no-untyped-def]
    before = mlflow.get_tracking_uri()
    shutil.copy(empty_database(), tmp_path / "mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = mlflow.create_experiment("test", artifact_location=(tmp_path / "runs").as_uri())
    with mlflow.start_run(experiment_id=experiment) as run:
        yield run
    mlflow.set_tracking_uri(before)
