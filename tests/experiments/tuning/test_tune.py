"""`kedro tune` as a user types it."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import psutil
import pytest
import yaml

from bdgf.core.errors import SceneError, SettingsError, UserError
from tests.data import small_scene
from tests.experiments.test_runner import runs_of
from tests.experiments.tuning.trials import SIGMA, QuickTrial
from tests.messages import numbers
from tests.pipelines.command_line import Outcome
from tests.pipelines.project import Project

FOUND = "data/08_reporting/tune/demo@test/svm"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("tune") / "project")


def tune(project: Project, *arguments: str) -> Outcome:
    return project.command("tune", "--env", "test", "--model", "svm", *arguments)


def refused(outcome: Outcome, error: type[UserError], *words: str) -> None:
    assert outcome.code == 1, outcome.printed
    assert type(outcome.mistake) is error, outcome.printed
    (line,) = [line for line in outcome.stderr.splitlines() if line]
    assert line.startswith("Error: ")
    assert [word for word in words if word not in line] == [], line


@pytest.mark.slow
def test_a_search_writes_its_results_and_goes_on_in_one_mlflow_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bdgf.experiments.tuning.trial_work.RunProcess", QuickTrial)
    first = tune(project, "--trials", "3", "--knobs", SIGMA)
    assert first.code == 0, first.printed
    assert numbers(first.stdout, "knobs") == [1, 0, 3]  # knobs, done, to do
    assert "judged on" in first.stdout
    assert f"cp {FOUND}/best.yml conf/test/parameters_tuned.yml" in first.stdout
    again = tune(project, "--trials", "5", "--knobs", SIGMA)
    assert again.code == 0, again.printed
    assert numbers(again.stdout, "knobs") == [1, 3, 2]
    folder = project.folder / FOUND
    assert {path.name for path in folder.iterdir()} == {"best.yml", "trials.csv", "trials.md"}
    best = yaml.safe_load((folder / "best.yml").read_text())
    assert best["inference"]["smoothing"]["sigma"] > 0
    parents = project.query("select run_uuid from tags where key='pipeline' and value='tune'")
    assert len(parents) == 1
    children = project.query("select value from tags where key='mlflow.parentRunId'")
    assert children == parents * 5
    nothing = tune(project, "--trials", "5", "--knobs", SIGMA)
    assert nothing.code == 0, nothing.printed
    assert numbers(nothing.stdout, "knobs") == [1, 5, 0]


@pytest.mark.slow
def test_mistakes_are_told_in_one_line_before_anything_is_written(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project.mlflow_runs()
    refused(tune(project, "--scene", "demmo"), SettingsError, "demmo", "demo")
    refused(tune(project, "--knobs", "train.epochs"), SettingsError, "train.epochs", "svm")
    refused(tune(project, "--params", "seed=3"), SettingsError, "--params", "--seeds")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "optuna", None)
        refused(tune(project), SettingsError, "pip install", "bdgf[tune]")
    assert project.mlflow_runs() == before


def own_scene(project: Project, name: str, without: tuple[str, ...] = (), **arrays: Any) -> None:
    """Puts the small scene into the project, with `arrays` instead of its own."""
    folder = project.folder / "data" / "01_raw" / name
    folder.mkdir(parents=True)
    for array, values in (small_scene.ARRAYS | arrays).items():
        np.save(folder / f"{array}.npy", values)
    config = {k: v for k, v in small_scene.npy_config().items() if k not in without}
    path = project.folder / "conf" / "local" / "parameters_scenes" / f"{name}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({name: config}, sort_keys=False))


def test_a_scene_without_official_training_pixels_cannot_be_searched_on(project: Project) -> None:
    own_scene(project, "unofficial", without=("official_train", "official_test"))
    found = tune(project, "--scene", "unofficial")
    refused(found, SceneError, "unofficial", "official_train", "test pixels")


SMALL = "train.classifier.patch=3,split.block=4,split.folds=3,split.validation.fraction=0.0"


@pytest.mark.slow
def test_test_labels_change_nothing_that_a_search_sees(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tested = small_scene.TEST > 0
    spoiled = small_scene.LABELS.copy()
    spoiled[tested] = rng.integers(1, 4, tested.sum())
    test = np.where(tested, spoiled, 0).astype(small_scene.TEST.dtype)
    assert (spoiled != small_scene.LABELS).any()
    hsi = (
        small_scene.HSI + rng.normal(0, 2 * small_scene.HSI.std(), small_scene.HSI.shape)
    ).astype("f4")
    told = []
    for name, labels in {"clean": {}, "spoiled": {"labels": spoiled, "test": test}}.items():
        project = Project.create(tmp_path / name)
        own_scene(project, "own", hsi=hsi, dsm=hsi[..., 0], **labels)
        found = tune(project, "--scene", "own", "--trials", "2", "--params", SMALL)
        assert found.code == 0, found.printed
        with (project.folder / FOUND.replace("demo", "own") / "trials.csv").open() as file:
            told.append([{**row, "seconds": ""} for row in csv.DictReader(file)])
    assert told[0] == told[1]
    assert all(0.2 < float(row["average_accuracy"]) < 1 for row in told[0])


@pytest.mark.slow
def test_a_search_of_the_method_shares_its_denoiser_and_can_be_adopted(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    typed = ("tune", "--env", "test", "--trials", "2", "--knobs", "train.optimization,inference")
    found = project.command(*typed)
    assert found.code == 0, found.printed
    working = project.folder / "data" / "working"
    assert len(list((working / "demo/denoisers").glob("*.safetensors"))) == 1
    assert {path.name for path in (project.folder / "data").iterdir()} == {
        "working",
        "08_reporting",
    }
    status = dict(project.query("select run_uuid, status from runs"))
    parents = dict(project.query("select run_uuid, value from tags where key='mlflow.parentRunId'"))
    assert len(parents) == 2
    assert len(set(parents.values())) == 1
    assert set(status.values()) == {"FINISHED"}
    names = {n for (n,) in project.query("select distinct key from metrics")}
    assert "curve/validation/average_accuracy" in names  # what trials are given up by
    best = project.folder / FOUND.replace("svm", "bdgf") / "best.yml"
    shutil.copy(best, project.folder / "conf" / "test" / "parameters_tuned.yml")
    log = project.done("prepare")
    assert "Traceback" not in log
    adopted = project.command(*typed)
    assert adopted.code == 0, adopted.printed
    assert numbers(adopted.stdout, "knobs")[1:] == [2, 0]


ON_DASK = ("--executor=dask", "--workers=2")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("number", "where"), [(signal.SIGTERM, ()), (signal.SIGKILL, ()), (signal.SIGINT, ON_DASK)]
)
def test_a_search_that_is_ended_leaves_no_process_and_resumes(
    tmp_path: Path, number: signal.Signals, where: tuple[str, ...]
) -> None:
    project = Project.create(tmp_path / f"ended{number}")
    typed = ("tune", "--env=test", "--model=svm", "--trials=2")
    with project.process("kedro", *typed, *where) as search:
        workers = under_way(project, search)
        search.send_signal(number)
        _, errors = search.communicate(timeout=120)
    deadline = time.monotonic() + 60
    while runs_of(project) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not runs_of(project)
    if where:
        assert not any(psutil.pid_exists(worker) for worker in workers)
    if number != signal.SIGKILL:
        assert search.returncode == 128 + number, errors
        assert {status for _, status in project.mlflow_runs()} == {"KILLED"}
    resumed = project.command(*typed)
    assert resumed.code == 0, resumed.printed
    assert numbers(resumed.stdout, "knobs")[1:] == [0, 2]
    assert not {"RUNNING"} & {status for _, status in project.mlflow_runs()}


def under_way(project: Project, search: subprocess.Popen[str]) -> set[int]:
    """Waits for a run of a search; gives the processes that started it."""
    deadline = time.monotonic() + 120
    while not (found := runs_of(project)) and time.monotonic() < deadline:
        assert search.poll() is None, search.communicate()
        time.sleep(0.1)
    return {psutil.Process(int(run)).ppid() for run in found}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_search_on_two_workers_one_of_them_killed_does_all_its_trials(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    project = Project.create(tmp_path / "project")
    typed = ("tune", "--env=test", "--model=svm", "--trials=3")
    with project.process("kedro", *typed, *ON_DASK) as search:
        worker, *_ = under_way(project, search)
        assert worker != search.pid
        os.kill(worker, signal.SIGKILL)
        printed, errors = search.communicate(timeout=300)
    assert search.returncode == 0, printed + errors
    assert "2 dask worker(s)" in printed
    assert not runs_of(project)
    with (project.folder / FOUND / "trials.csv").open() as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["finished"] * 3
    assert [status for _, status in project.mlflow_runs()] == ["FINISHED"] * 4  # the search too


NO_LEARNING = 1e-8
"""A learning rate at which a network stays what it was."""
FROZEN = {"train": {"optimization": {"learning_rate": NO_LEARNING}}}
BATCHES = 40
"""Of an epoch: enough for a training to be ended on its way."""
TRAINED = "train.epochs,train.optimization.learning_rate"


@pytest.mark.slow
def test_a_training_that_does_not_learn_is_given_up_before_its_end(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    (project.folder / "conf/test/parameters_frozen.yml").write_text(yaml.safe_dump(FROZEN))

    def searched(trials: int) -> str:
        typed = ("--model", "two_stream_cnn", "--knobs", TRAINED, "--trials", str(trials))
        fixed = ("--params", f"train.batches_per_epoch={BATCHES}")
        found = project.command("tune", "--env", "test", *typed, *fixed)
        assert found.code == 0, found.printed
        return found.stdout

    searched(1)  # the configured settings, which do not learn either
    path = project.folder / "data/working/tune/demo/trials.db"
    (study,) = optuna.get_all_study_summaries(f"sqlite:///{path}")
    queue = optuna.load_study(study_name=study.study_name, storage=f"sqlite:///{path}")
    epochs, rate = TRAINED.split(",")
    good, bad = {epochs: 4, rate: 3e-3}, {epochs: 30, rate: NO_LEARNING}
    for values in [{**good, epochs: 4 + extra} for extra in range(4)] + [bad, {**good, rate: 2e-3}]:
        queue.enqueue_trial(values)
    lines = searched(7).splitlines()
    assert [("given up" in line) for line in lines if "trial 5:" in line] == [True]
    assert any("trial 6: AA" in line for line in lines)  # the search goes on
    with (project.folder / FOUND.replace("svm", "two_stream_cnn") / "trials.csv").open() as file:
        told = {row["trial"]: row for row in csv.DictReader(file)}
    assert {number for number, row in told.items() if row["state"] == "given up"} == {"5"}
    assert float(told["5"][epochs]) == 30
    assert float(told["5"]["reached"]) < min(float(told[n]["average_accuracy"]) for n in "1234")
    (killed,) = (run for run, status in project.mlflow_runs() if status == "KILLED")
    tags = dict(project.query("select key, value from tags where run_uuid = ?", killed))
    assert tags["tune.state"] == "pruned"
    assert tags["mlflow.runName"].startswith("trial 5")
    curve = "select max(step) from metrics where run_uuid = ? and key like 'curve/validation/%'"
    ((last,),) = project.query(curve, killed)
    assert last < 30 * BATCHES  # it was ended on its way
    assert not runs_of(project)
    assert not list((project.folder / "data/working/tune/demo/runs").iterdir())
    records = list((project.folder / "data/working/tune/demo/records").glob("*.json"))
    assert len(records) == 6
