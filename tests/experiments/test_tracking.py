"""The bench's own run in MLflow, and those of its processes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest

from bdgf.experiments.tables import suite_tables
from bdgf.experiments.tracking import BenchTracking, row_name
from tests.experiments.small_suite import PLAN, SUITE


@pytest.fixture
def tracking(tmp_path: Path) -> Any:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    mlflow.create_experiment("test", artifact_location=(tmp_path / "runs").as_uri())
    yield BenchTracking("test", "bench own", {"scene": "x"})
    mlflow.set_tracking_uri(before)


def of(run: str) -> Any:
    return mlflow.get_run(run).data


def test_a_run_is_named_by_its_row(tracking: BenchTracking) -> None:
    run = tracking.open_run(PLAN[0])
    first = PLAN[0]
    assert of(run).tags["mlflow.runName"] == f"{first.variant}, {first.scene} seed {first.seed}"
    assert of(run).tags["mlflow.runName"] == row_name(first)
    assert of(run).tags["mlflow.parentRunId"] == tracking.run_id


def test_one_table_gives_the_bench_s_run_its_best_row(
    tracking: BenchTracking, records: Any
) -> None:
    (table, *_) = suite_tables(SUITE, PLAN, records, "a", "kedro bench")
    tracking.describe([table])
    found = of(tracking.run_id)
    assert found.metrics["oa"] == pytest.approx(table.best.means["overall_accuracy"])
    assert set(found.metrics) == {"oa", "aa", "kappa", "ece"}
    assert found.tags["best"] == f"own_x: {table.best.variant}"
    assert table.markdown in found.tags["mlflow.note.content"]


@pytest.mark.slow
def test_several_tables_have_a_best_row_each_and_what_has_no_room_is_named(
    tracking: BenchTracking, records: Any
) -> None:
    tables = suite_tables(SUITE, PLAN, records, "a", "kedro bench")
    long = replace(tables[1], markdown="x" * 9000)
    tracking.describe([tables[0], long, tables[2]])
    found = of(tracking.run_id)
    note = found.tags["mlflow.note.content"]
    assert {f"best/{table.key}/oa" for table in tables} <= set(found.metrics)
    assert "`tables/own_y.md`" in note
    assert tables[0].markdown in note
    assert len(note) <= 8000
