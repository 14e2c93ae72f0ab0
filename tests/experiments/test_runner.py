"""`kedro bench` as a user types it, on two rows that take seconds, and what goes wrong."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import pytest

from bdgf.core.errors import MissingArtifactError, SettingsError
from bdgf.experiments.cli import names, parse_seeds
from bdgf.experiments.process import RunFailed, RunProcess
from bdgf.experiments.runner import Bench, BenchOptions
from tests.experiments.test_suite import CONFIGURED, resolve
from tests.pipelines.project import Project

FAILING = """
failing:
  title: One of them fails
  reference: all branches
  variants:
    - {name: all branches}
    - {name: CNN alone, params: {train.classifier.branches: [cnn]}}
    - {name: no such level, params: {features.levels: [7]}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("bench") / "project")
    with (project.folder / "conf" / "test" / "bench.yml").open("a") as file:
        file.write(FAILING)
    return project


def bench(project: Project, *arguments: str) -> subprocess.CompletedProcess:
    return project.command("bench", "--env", "test", "--seeds", "0", *arguments)


@pytest.fixture(scope="module")
def first(project: Project) -> subprocess.CompletedProcess:
    return bench(project, "--suite", "failing", "--jobs", "2")


def test_a_failed_run_is_told_with_its_log_and_the_others_go_on(
    project: Project, first: subprocess.CompletedProcess
) -> None:
    printed = first.stdout + first.stderr
    assert first.returncode == 1, printed
    assert "Traceback" not in printed
    (line,) = [line for line in printed.splitlines() if "FAILED" in line]
    assert "no such level, seed 0: FAILED: features.levels is (7,)" in line
    assert (project.folder / line.rpartition("see ")[2]).is_file()
    assert "1 of 3 runs failed" in printed
    assert len(list((project.folder / "data/working/bench/records").glob("*.json"))) == 2


def test_pretraining_is_shared_and_the_user_s_artifacts_are_left_alone(
    project: Project, first: subprocess.CompletedProcess
) -> None:
    assert len(list((project.folder / "data/working/demo/denoisers").glob("*.safetensors"))) == 1
    assert {path.name for path in (project.folder / "data").iterdir()} == {"working"}


def test_every_process_has_its_mlflow_run_below_the_bench_s(
    project: Project, first: subprocess.CompletedProcess
) -> None:
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        status = dict(database.execute("select run_uuid, status from runs"))
        parents = dict(
            database.execute("select run_uuid, value from tags where key='mlflow.parentRunId'")
        )
        measured = {
            row[0] for row in database.execute("select run_uuid from metrics where key='kappa'")
        }
    assert len(parents) == 3
    assert len(set(parents.values())) == 1
    assert sorted(status[run] for run in parents) == ["FAILED", "FINISHED", "FINISHED"]
    runs = json.loads((project.folder / "docs/results/failing_demo_test_runs.json").read_text())
    assert {run["mlflow_run"] for run in runs} == measured
    logged = {path.name for path in (project.folder / "mlruns").rglob("*") if path.is_file()}
    assert "split.tif" in logged
    assert "classifier.safetensors" not in logged
    assert {path.name for path in (project.folder / "mlruns").rglob("tables/*")} == {
        "failing_demo_test.md",
        "failing_demo_test.csv",
    }


def test_what_is_recorded_is_not_run_again_whatever_its_suite(
    project: Project, first: subprocess.CompletedProcess
) -> None:
    document = project.folder / "docs" / "results.md"
    document.write_text("# Prose of ours\n\n" + document.read_text())
    result = bench(project, "--suite", "tiny")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 runs, 2 recorded, 0 to do" in result.stdout
    assert document.read_text().startswith("# Prose of ours\n")
    assert "| part | CNN alone |" in document.read_text()


def test_what_was_published_need_not_be_run_again(
    project: Project, first: subprocess.CompletedProcess
) -> None:
    shutil.rmtree(project.folder / "data/working/bench/records")
    result = bench(project, "--suite", "tiny", "--published")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 runs taken from docs/results/" in result.stdout
    assert "2 runs, 2 recorded, 0 to do" in result.stdout


def test_a_scene_whose_data_are_missing_is_told_before_anything_runs(project: Project) -> None:
    result = bench(project, "--suite", "tiny", "--scenes", "demo,trento")
    assert result.returncode == 1
    lines = [line for line in result.stderr.splitlines() if line]
    assert len(lines) == 1
    assert lines[0].startswith("Error: trento: no file for")


def options(tmp_path: Path, **chosen: object) -> BenchOptions:
    given = {"suites": ("tiny",), "scenes": ("demo",), "seeds": (0,), "jobs": 1}
    given |= {"reference": None, "env": "test", "document": tmp_path / "results.md"}
    return BenchOptions(**{**given, **chosen})  # type: ignore[arg-type]


def planned(tmp_path: Path, **chosen: object) -> Bench:
    def here(typed: dict) -> dict:
        return {**resolve(typed), "working_folder": str(tmp_path)}

    return Bench(options(tmp_path, **chosen), CONFIGURED, here, lambda line: None)


def test_tables_of_nothing_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(MissingArtifactError, match="run first: kedro bench --suite tiny"):
        planned(tmp_path).tables()


def test_an_unknown_reference_lists_the_rows(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match="no variant 'best'; its variants: all branches; CNN alone"
    ):
        planned(tmp_path, reference="best")


def test_seeds_are_numbers_and_ranges() -> None:
    assert parse_seeds("3, 0-2,1") == (3, 0, 1, 2)
    for wrong in ("one", "-1", "3-1", "1.5", "", "4294967296"):
        with pytest.raises(SettingsError, match="--seeds"):
            parse_seeds(wrong)
    assert names("a, b,a", "--scenes") == ("a", "b")


def test_a_stopped_run_leaves_no_process(tmp_path: Path) -> None:
    (run, _) = planned(tmp_path).missing()
    process, stopping = RunProcess(run, tmp_path / "run", "test", 1, "none"), Event()
    stopping.set()
    started = time.monotonic()
    with pytest.raises(RunFailed, match="stopped"):
        process.finish(stopping)
    assert not (tmp_path / "run" / "data").exists()
    assert time.monotonic() - started < 60


@pytest.mark.slow
def test_a_killed_bench_goes_on_where_it_was(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    command = [sys.executable, "-m", "kedro", "bench", "--env", "test", "--suite", "tiny"]
    killed = subprocess.Popen([*command, "--seeds", "0,1"], cwd=project.folder)
    records = project.folder / "data" / "working" / "bench" / "records"
    while not list(records.glob("*.json")) and killed.poll() is None:
        time.sleep(0.2)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    result = project.command("bench", "--env", "test", "--suite", "tiny", "--seeds", "0,1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 runs, 1 recorded, 3 to do" in result.stdout
    assert len(list(records.glob("*.json"))) == 4
