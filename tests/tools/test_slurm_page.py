"""The script for SLURM, with stand-ins for `sbatch` and `scancel`, up to a run on its worker."""

import os
import subprocess
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tools.docs_check.blocks import blocks

from bdgf.experiments.cli import bench
from bdgf.experiments.dask_executor import open_dask_executor
from bdgf.experiments.executors import ExecutorOptions
from bdgf.experiments.suite import PlannedRun
from tests.experiments.stand_ins import QuickRun, finished

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how_to" / "cluster.md"
SBATCH = """#!/bin/sh
cp "$1" {folder}/submitted
bash {folder}/submitted > {folder}/log 2>&1 &
echo "Submitted batch job $!"
"""


def script() -> str:
    (text,) = [block.text for block in blocks(PAGE.read_text()) if block.told == "it needs SLURM"]
    return text.replace("jobs=4", "jobs=1")


@pytest.mark.slow
def test_a_job_starts_a_worker_that_takes_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dask_jobqueue")
    programs = {"sbatch": SBATCH.format(folder=tmp_path), "scancel": '#!/bin/sh\nkill "$@"\n'}
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    monkeypatch.setenv("PYTHONPATH", path)
    typed: list[str] = []

    def run(command: list[str], check: bool) -> None:
        assert check
        typed.extend(command)
        given: dict[str, Any] = bench.make_context("kedro bench", command[2:]).params
        options = ExecutorOptions(given["executor"], None, given["threads"], given["scheduler"])
        options.check()
        planned = PlannedRun("s", "r", "demo", 0, {}, "f", None)
        with open_dask_executor(options, tmp_path, print) as executor:
            assert (executor.slots(), executor.threads, executor._gpus) == (1, 8, True)
            result = executor.finish(QuickRun(planned, tmp_path), Event())  # type: ignore[arg-type]
        assert result.record == finished(planned)[0]

    monkeypatch.setattr(subprocess, "run", run)
    exec(script(), {})
    assert typed[:2] == ["kedro", "bench"]
    submitted = (tmp_path / "submitted").read_text()
    for line in ("--cpus-per-task=8", "--mem=15G", "-t 08:00:00", "--gres=gpu:1"):
        assert f"#SBATCH {line}" in submitted, submitted
