"""`kedro bench` as a user types it, on rows that take seconds, and what goes wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bdgf.core.errors import MissingArtifactError, SceneError, SettingsError
from tests.experiments.stand_ins import Gone, NoTracking, QuickRun, planned
from tests.messages import numbers, telling
from tests.pipelines.command_line import Outcome
from tests.pipelines.project import ROOT, Project

OWN = "data/08_reporting/bench"

FAILING = """
failing:
  title: One of them fails
  reference: CNN
  variants:
    - {name: no such level, params: {features.levels: [7]}}
    - {name: CNN, params: {train.classifier.branches: [cnn]}}
alone:
  title: A variant of the other suite
  reference: the same
  variants:
    - {name: the same, group: whole, params: {train.classifier.branches: [cnn]}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("bench") / "project")
    with (project.folder / "conf" / "test" / "bench.yml").open("a") as file:
        file.write(FAILING)
    return project


def bench(project: Project, *arguments: str) -> Outcome:
    return project.command("bench", "--env", "test", "--seeds", "0", *arguments)


@pytest.fixture(scope="module")
def first(project: Project) -> Outcome:
    """The bench in this process; its runs in processes of their own, two at a time."""
    return bench(project, "--suite", "failing", "--jobs", "2")


@pytest.mark.slow
def test_a_failed_run_is_told_with_its_log_and_the_others_go_on(
    project: Project, first: Outcome
) -> None:
    assert first.code == 1, first.printed
    assert "Traceback" not in first.printed
    (line,) = [line for line in first.stdout.splitlines() if "FAILED" in line]
    assert [word for word in ("no such level", "features.levels", "7") if word not in line] == []
    assert (project.folder / line.rpartition("see ")[2].partition(";")[0]).is_file()
    assert "1 of 2" in first.stdout
    assert len(list((project.folder / "data/working/bench/records").glob("*.json"))) == 1


@pytest.mark.slow
def test_pretraining_is_shared_and_the_user_s_artifacts_are_left_alone(
    project: Project, first: Outcome
) -> None:
    assert len(list((project.folder / "data/working/demo/denoisers").glob("*.safetensors"))) == 1
    assert {path.name for path in (project.folder / "data").iterdir()} == {
        "working",
        "08_reporting",
    }
    assert [path.name for path in (project.folder / "data/08_reporting").iterdir()] == ["bench"]
    assert not (project.folder / "docs").exists()


@pytest.mark.slow
def test_every_process_has_its_mlflow_run_below_the_bench_s(
    project: Project, first: Outcome
) -> None:
    status = dict(project.query("select run_uuid, status from runs"))
    parents = dict(project.query("select run_uuid, value from tags where key='mlflow.parentRunId'"))
    measured = {run for (run,) in project.query("select run_uuid from metrics where key='kappa'")}
    assert len(parents) == 2
    assert len(set(parents.values())) == 1
    assert sorted(status[run] for run in parents) == ["FAILED", "FINISHED"]
    runs = json.loads((project.folder / OWN / "results/failing_demo_test_runs.json").read_text())
    assert {run["mlflow_run"] for run in runs} == measured - set(parents.values())
    logged = {path.name for path in (project.folder / "mlruns").rglob("*") if path.is_file()}
    assert "split.tif" in logged
    assert not {"classifier.safetensors", "MLmodel"} & logged
    assert {path.name for path in (project.folder / "mlruns").rglob("tables/*")} == {
        "report.html",
        "failing_demo_test.md",
        "failing_demo_test.csv",
    }


@pytest.mark.slow
def test_what_is_recorded_is_not_run_again_whatever_its_suite(
    project: Project, first: Outcome
) -> None:
    document = project.folder / OWN / "results.md"
    document.write_text("# Prose of ours\n\n" + document.read_text())
    result = bench(project, "--suite", "alone")
    assert result.code == 0, result.printed
    assert numbers(result.stdout, "alone:") == [1, 1, 0]  # runs, recorded, to do
    assert document.read_text().startswith("# Prose of ours\n")
    assert "| whole | the same |" in document.read_text()


@pytest.mark.slow
def test_the_published_document_is_written_by_name(project: Project, first: Outcome) -> None:
    result = bench(project, "--suite", "alone", "--table", "--document", "docs/results.md")
    assert result.code == 0, result.printed
    assert "| whole | the same |" in (project.folder / "docs/results.md").read_text()
    shutil.rmtree(project.folder / "docs")


@pytest.mark.slow
def test_what_was_published_need_not_be_run_again(project: Project, first: Outcome) -> None:
    shutil.rmtree(project.folder / "data/working/bench/records")
    result = bench(project, "--suite", "alone", "--published")
    assert result.code == 0, result.printed
    assert numbers(result.stdout, f"{OWN}/results/")[0] == 1
    assert numbers(result.stdout, "alone:") == [1, 1, 0]  # runs, recorded, to do


def test_a_scene_whose_data_are_missing_is_told_before_anything_runs(project: Project) -> None:
    before = len(project.mlflow_runs())
    result = bench(project, "--suite", "tiny", "--scenes", "demo,trento")
    assert result.code == 1
    assert type(result.mistake) is SceneError
    (line,) = [line for line in result.stderr.splitlines() if line]
    assert line.startswith("Error: ")
    assert "trento" in line
    assert "data/01_raw/trento" in line
    assert len(project.mlflow_runs()) == before


def test_tables_of_nothing_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(MissingArtifactError, match=telling("kedro bench --suite tiny")):
        planned(tmp_path).tables()


def test_an_unknown_reference_lists_the_rows(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=telling("'best'", "all branches", "CNN alone")):
        planned(tmp_path, reference="best")


def test_some_variants_alone_are_the_runs_of_the_whole_suite(tmp_path: Path) -> None:
    whole, some = planned(tmp_path), planned(tmp_path, variant=("CNN alone",))
    (run,) = some.plans["tiny"]
    assert run in whole.plans["tiny"]
    assert some.suites["tiny"].reference == "CNN alone"
    assert some.options.command("tiny").endswith("--variant 'CNN alone'")
    both = planned(tmp_path, variant=tuple(one.variant for one in whole.plans["tiny"]))
    assert (both.plans, both.suites) == (whole.plans, whole.suites)
    with pytest.raises(SettingsError, match=telling("'fastest'", "all branches", "CNN alone")):
        planned(tmp_path, variant=("fastest",))


def runs_of(project: Project, sort: bytes = b"watched_run") -> list[str]:
    """Ids of the processes in the project's folder with a word in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            there = (process / "cwd").readlink() == project.folder
            if there and sort in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:  # ended meanwhile
            continue
    return found


def started(project: Project, *options: str) -> subprocess.Popen[str]:
    """A bench in a separate process, with a run under way."""
    found = project.process("kedro", "bench", "--env=test", "--suite=tiny", "--seeds=0-9", *options)
    deadline = time.monotonic() + 120
    while not runs_of(project) and time.monotonic() < deadline:
        assert found.poll() is None, found.communicate()
        time.sleep(0.1)
    assert runs_of(project)
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("options", [(), ("--executor=dask", "--workers=2")], ids=["here", "dask"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_bench_that_is_ended_leaves_no_process(
    tmp_path: Path, number: signal.Signals, options: tuple[str, ...]
) -> None:
    project = Project.create(tmp_path / f"ended{number}")
    with started(project, *options) as bench:
        bench.send_signal(number)
        printed, errors = bench.communicate(timeout=120)
    deadline = time.monotonic() + 60
    while runs_of(project, b"python") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not runs_of(project, b"python")  # nor a worker of dask
    if number == signal.SIGKILL:  # who is killed says nothing
        return
    assert bench.returncode == 128 + number, errors
    assert "Traceback" not in printed + errors
    assert numbers(printed, "stopped:")[1] == 20
    assert {status for _, status in project.mlflow_runs()} == {"KILLED"}


ENDLESS = """
import sys
from pathlib import Path
from bdgf.experiments import runner
from tests.experiments.stand_ins import EndlessAfterTheFirst, NoTracking, planned

runner.RunProcess = EndlessAfterTheFirst
bench = planned(Path(sys.argv[1]), seeds=(0, 1))
bench.run(bench.missing(), NoTracking())
"""


def test_a_killed_bench_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.create(tmp_path / "project")
    working = project.folder / "data" / "working"
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    killed = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, working], env={**os.environ, "PYTHONPATH": path}
    )
    records = working / "bench" / "records"
    while not list(records.glob("*.json")) and killed.poll() is None:
        time.sleep(0.05)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL

    monkeypatch.setattr("bdgf.experiments.runner.RunProcess", QuickRun)
    result = project.command("bench", "--env", "test", "--suite", "tiny", "--seeds", "0,1")
    assert result.code == 0, result.printed
    assert numbers(result.stdout, "tiny:") == [4, 1, 3]  # runs, recorded, to do
    assert len(list(records.glob("*.json"))) == 4
    assert "| part | CNN alone |" in (project.folder / OWN / "results.md").read_text()


def test_a_scheduler_that_is_gone_ends_the_bench_and_its_run(tmp_path: Path) -> None:
    bench, tracking = planned(tmp_path), NoTracking()
    with pytest.raises(SettingsError, match="scheduler is gone"):
        bench.run(bench.missing(), tracking, Gone())  # type: ignore[arg-type]
    assert tracking.ended == ["KILLED"]  # one at a time: the others never began


def test_each_line_says_how_long_the_rest_will_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr("bdgf.experiments.runner.RunProcess", QuickRun)
    bench = planned(tmp_path)
    monkeypatch.setattr(bench, "say", lines.append)
    runs = bench.missing()
    assert bench.run(runs, NoTracking()) == 0  # type: ignore[arg-type]
    assert len(lines) == len(runs) > 1
    assert all(line.endswith(" left") for line in lines[:-1])
    assert "left" not in lines[-1]
