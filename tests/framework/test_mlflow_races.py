"""Rows of MLflow's store that two runs make at once."""

import sqlite3
from collections.abc import Callable
from typing import Any

import mlflow
import pytest
import sqlalchemy.exc
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from bdgf.framework.mlflow_races import made_by_either


def failing_once(error: Exception) -> Callable[[], int]:
    """A call that fails the first time and then tells how often it was called."""
    calls = []

    def call() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise error
        return len(calls)

    return call


@pytest.mark.parametrize(
    "error",
    [
        MlflowException("Experiment 'demo' already exists", RESOURCE_ALREADY_EXISTS),
        MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.name"),
        MlflowException("(psycopg2.errors.UniqueViolation) duplicate key value"),
    ],
)
def test_what_another_run_made_meanwhile_is_found(error: MlflowException) -> None:
    assert made_by_either(failing_once(error)) == 2


def test_another_failure_is_told_at_once() -> None:
    with pytest.raises(MlflowException, match="disk"):
        made_by_either(failing_once(MlflowException("disk I/O error")))


def test_a_row_that_stays_in_the_way_is_told() -> None:
    def call() -> None:
        raise MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed")

    with pytest.raises(MlflowException, match="UNIQUE"):
        made_by_either(call)


def test_a_dataset_that_another_run_logs_in_the_same_moment(
    active_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's own store raises what this waits for, and the dataset is there afterwards."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    dataset = MetaDataset(source=CodeDatasetSource({}), name="scene", digest="0123456789ab")
    whole, raced = SqlAlchemyStore._log_inputs_impl, []

    def beside_another(self: SqlAlchemyStore, *arguments: Any) -> Any:
        if raced:
            return whole(self, *arguments)
        raced.append(1)
        with self.ManagedSessionMaker(read_only=False):
            unique = sqlite3.IntegrityError("UNIQUE constraint failed")
            raise sqlalchemy.exc.IntegrityError("INSERT INTO datasets", None, unique)

    monkeypatch.setattr(SqlAlchemyStore, "_log_inputs_impl", beside_another)
    made_by_either(lambda: mlflow.log_input(dataset, context="training"))
    (found,) = mlflow.get_run(active_run.info.run_id).inputs.dataset_inputs
    assert raced
    assert found.dataset.name == "scene"
