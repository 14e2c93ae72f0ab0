"""Runs that a signal, a closed pipe or a crash ends, as processes of their own.

The quick suite has one signal; the others are slow, for each starts Kedro anew.
"""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from bdgf.core.weights import read_weights
from tests.pipelines.project import ENVIRONMENT, Project, typed

ENDLESS = 100_000
DENOISER = "06_models/demo/denoiser.safetensors"
CLASSIFIER = "06_models/demo/bdgf/classifier.safetensors"
NETWORK = "06_models/demo/two_stream_cnn/classifier.safetensors"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("stopped") / "project")
    project.done("full", up_to="prepared_scene,split")
    return project


def stopped(
    project: Project, number: signal.Signals, words: str, *arguments: str
) -> tuple[int, str]:
    """Sends `number` when the run has printed `words`; gives its exit code and all it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", "run", *arguments],
        cwd=project.folder,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if words in line and process.poll() is None:
            process.send_signal(number)
            words = "\0"
    return process.wait(), printed


def told(printed: str) -> str:
    assert "Traceback" not in printed
    (line,) = [line for line in printed.splitlines() if line.startswith("Stopped")]
    return line


def state(project: Project) -> str:
    return project.mlflow_runs()[0][1]


@pytest.mark.parametrize(
    ("number", "pipeline", "entry", "chosen"),
    [
        pytest.param(
            *(signal.SIGINT, "train", NETWORK, {"model": "two_stream_cnn", "train__epochs": 6}),
            marks=pytest.mark.slow,
        ),
        pytest.param(signal.SIGTERM, "train", CLASSIFIER, {}, marks=pytest.mark.slow),
        pytest.param(
            signal.SIGHUP, "pretrain", DENOISER, {"pretrain__steps": 60}, marks=pytest.mark.slow
        ),
    ],
)
def test_a_training_that_is_stopped_goes_on_by_the_same_command(
    prepared: Project, number: signal.Signals, pipeline: str, entry: str, chosen: dict[str, Any]
) -> None:
    if entry == CLASSIFIER:
        prepared.done("full", up_to="feature_cube")
    often = {f"{pipeline}__checkpoint_seconds": 0}
    process = prepared.process("kedro", "run", *typed(pipeline, **chosen, **often))
    while not list((prepared.folder / "data").rglob("*.ckpt")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    printed = "".join(process.communicate())
    assert process.returncode == 128 + number, printed
    assert state(prepared) == "KILLED"
    line = told(printed)
    (checkpoint,) = [word.rstrip(";") for word in line.split() if ".ckpt" in word]
    assert number.name in line
    assert "the same command resumes" in line
    before = prepared.versions(entry)
    assert f"of {checkpoint}" in prepared.done(pipeline, **chosen)  # continuing from step ..
    assert not list((prepared.folder / "data").rglob("*.ckpt*"))
    elsewhere = {"working_folder": "data/other", "cache__folder": "data/other"}
    assert "continuing from" not in prepared.done(pipeline, **elsewhere, **chosen)
    one, other = map(read_weights, prepared.versions(entry)[len(before) :])
    assert all(tensor.equal(other.tensors[name]) for name, tensor in one.tensors.items())
    assert one.config == other.config
    assert state(prepared) == "FINISHED"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGINT, "ingest scene"),
        (signal.SIGTERM, "prepare scene"),
        (signal.SIGHUP, "extract features"),
        (signal.SIGTERM, "predict scene"),
        (signal.SIGINT, "draw figures"),
    ],
)
def test_a_signal_at_any_stage_is_told_in_one_line(
    prepared: Project, number: signal.Signals, words: str
) -> None:
    code, printed = stopped(prepared, number, words, *typed("full"))
    assert code == 128 + number, printed
    assert "the same command resumes" in told(printed)
    assert state(prepared) == "KILLED"
    assert not [path for path in prepared.files() if ".part" in path.name]


@pytest.mark.slow
def test_runs_whose_process_was_killed_are_ended_by_the_next(prepared: Project) -> None:
    process = prepared.process("kedro", "run", *typed("pretrain", pretrain__steps=ENDLESS))
    runs = len(prepared.mlflow_runs())
    while len(prepared.mlflow_runs()) == runs and process.poll() is None:
        time.sleep(0.05)
    killed = prepared.mlflow_runs()[0][0]
    process.kill()
    process.communicate()
    assert dict(prepared.mlflow_runs())[killed] == "RUNNING"
    printed = prepared.done("ingest")
    assert dict(prepared.mlflow_runs())[killed] == "KILLED"
    assert killed[:8] in printed


@pytest.mark.slow
@pytest.mark.parametrize("pipeline", ["ingest", "train"])
def test_output_cut_by_head_ends_the_run_quietly(prepared: Project, pipeline: str) -> None:
    process = prepared.process(
        "kedro", "run", *typed(pipeline, train__epochs=500, train__batches_per_epoch=50)
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait() == 141
    assert state(prepared) == "KILLED"


@pytest.mark.parametrize(
    "place",
    [
        "bdgf.scenes.ingest.streamed_scene.ingest_resident_or_streamed",
        "bdgf.framework.hooks.tracking.flatten",
    ],
)
def test_a_crash_in_a_node_or_before_the_first_is_a_failed_run(
    prepared: Project, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(place, crash)
    with pytest.raises(ZeroDivisionError):
        prepared.run("ingest")
    assert state(prepared) == "FAILED"


def test_a_mistake_that_the_first_node_finds_leaves_no_run(prepared: Project) -> None:
    before = prepared.mlflow_runs()
    outcome = prepared.run(
        "prepare", up_to="split", split__name="spatial_blocks", split__block=100_000
    )
    assert outcome.code == 1, outcome.printed
    assert "Error: " in outcome.stderr
    assert prepared.mlflow_runs() == before
