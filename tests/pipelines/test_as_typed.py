"""What only a process of its own shows. Each starts one; the other tests run in theirs."""

import signal
import time
from pathlib import Path

import pytest

from bdgf.core.weights import read_weights
from tests.pipelines.project import Project, typed


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


@pytest.mark.slow
def test_a_refusal_is_one_line_on_standard_error_and_exit_code_1(project: Project) -> None:
    process = project.process("kedro", "run", *typed("full", train__epochs="many"))
    printed, told = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in printed + told
    (line,) = [line for line in told.splitlines() if line]
    assert line.startswith("Error: ")
    assert "'train.epochs'" in line
    assert project.files() == []


@pytest.mark.slow
def test_the_package_runs_without_the_kedro_program(project: Project) -> None:
    process = project.process("bdgf", *typed("ingest"), below="conf")
    printed = "".join(process.communicate())
    assert process.returncode == 0, printed
    assert len(project.versions("02_intermediate/demo/scene.nc")) == 1


@pytest.mark.slow  # the quick suite kills pretraining and training on their own
def test_a_killed_run_ends_as_one_that_was_not(project: Project) -> None:
    pretraining = {"pretrain__steps": 60, "pretrain__validate_every": 60}
    command = typed("full", up_to="denoiser", **pretraining, pretrain__checkpoint_seconds=0)
    process = project.process("kedro", "run", *command)
    while not list((project.folder / "data").rglob("*.ckpt")) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert project.versions("06_models/demo/denoiser.safetensors") == []

    assert "continuing from step" in project.done("pretrain", **pretraining)
    printed = project.done("pretrain", cache__folder="data/elsewhere", **pretraining)
    assert "continuing from step" not in printed
    continued, unbroken = map(read_weights, project.versions("06_models/demo/denoiser.safetensors"))
    assert continued.tensors.keys() == unbroken.tensors.keys()
    for name, tensor in continued.tensors.items():
        assert tensor.equal(unbroken.tensors[name]), name
