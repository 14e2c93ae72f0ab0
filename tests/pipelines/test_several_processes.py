"""`kedro run` with pretraining on two devices: two processes on the CPU."""

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.project import Project, typed

TWO = {"devices__count": 2, "devices__accelerator": "cpu"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


@pytest.mark.slow  # the quick suite pretrains on two devices without Kedro
def test_torchrun_and_own_processes_make_the_same_in_one_run(project: Project) -> None:
    def pretrained(*command: str, **parameters: Any) -> str:
        # In processes with the same variables: the bits belong to the number of threads.
        process = project.process(*command, "run", *typed("pretrain", **TWO, **parameters))
        printed = "".join(process.communicate())
        assert process.returncode == 0, printed
        return printed

    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "kedro")
    for number in (1, 2):  # the second finds the denoiser, and its helper has nothing to do
        printed = pretrained(*torchrun)
        assert len(project.versions("06_models/demo/denoiser.safetensors")) == number
        assert [status for _, status in project.mlflow_runs()] == ["FINISHED"] * number
    assert "reusing the pretrained denoiser" in printed
    assert "reusing the pretrained denoiser" in pretrained("kedro")
    assert "reusing" not in pretrained("kedro", cache__folder="data/elsewhere")
    one, *_, last = project.versions("06_models/demo/denoiser.safetensors")
    assert one.read_bytes() == last.read_bytes()
    curves = project.query(
        "select count(*) from metrics where key = 'curve/pretrain/loss' group by run_uuid"
    )
    assert len(set(curves)) == 1  # the same number of points in both runs that trained
    assert len(curves) == 2


def test_more_devices_than_there_are_is_refused(project: Project) -> None:
    from bdgf.core.errors import SettingsError

    project.refused("pretrain", SettingsError, "devices.count", "0", devices__count=0)
