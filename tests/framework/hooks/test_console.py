"""What a person reads at the end of a run."""

import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from bdgf.framework.hooks.console import ReportingHooks, summary
from tests.framework.hooks.small_metrics import METRICS


def test_the_summary_has_the_headline_figures() -> None:
    line = summary(METRICS)
    for figure in ("OA 90.00", "AA 80.00", "kappa 85.00", "100", "leakage 10.0"):
        assert figure in line


def test_the_summary_has_the_coverage_that_was_measured() -> None:
    sets = {"coverage_stated": 0.9, "coverage_measured": 0.875, "mean_size": 1.25}
    line = summary({**METRICS, "sets": sets})
    assert "prediction sets of 90 % hold the right class in 87.5 %, of 1.25 classes" in line


def test_every_node_is_told_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    hooks = ReportingHooks()
    hooks.before_pipeline_run(SimpleNamespace(nodes=[1, 2]))  # type: ignore[arg-type]
    with caplog.at_level(logging.INFO):
        hooks.before_node_run(SimpleNamespace(short_name="ingest_scene"))  # type: ignore[arg-type]
        hooks.before_node_run(SimpleNamespace(short_name="score"))  # type: ignore[arg-type]
    assert [record.getMessage() for record in caplog.records] == [
        "[1/2] ingest scene",
        "[2/2] score",
    ]


NAMED_PIPELINE = """
from kedro_viz.integrations.kedro.run_hooks import PipelineRunStatusHook as Hook
Hook().before_pipeline_run({"pipeline_name": "full"}, None)
"""
WORKERS_OF_THIS_MACHINE = """
import socket
from bdgf.core.dask_client import local_workers
with socket.socket() as other:
    try:  # the port that dask takes first is another program's
        other.bind(("127.0.0.1", 8787))
        other.listen()
    except OSError:
        pass
    with local_workers(1, "executor.dask") as client:
        assert client.submit(abs, -1).result(60) == 1
"""


def _printed(does: str, folder: Path, **variables: str) -> str:
    # A worker imports the program that starts it: as with `kedro`, this sets up the log.
    program = folder / "program.py"
    program.write_text(
        "from kedro.framework.project import LOGGING\n"
        f"if __name__ == '__main__':\n{textwrap.indent(does, '    ')}"
    )
    project = Path(__file__).resolve().parents[3]
    # Clusters of other tests, and the user's shell, may set dask's variables.
    others = {name: value for name, value in os.environ.items() if not name.startswith("DASK_")}
    done = subprocess.run(
        [sys.executable, program],
        cwd=project,
        env={**others, **variables},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("does", [NAMED_PIPELINE, WORKERS_OF_THIS_MACHINE])
def test_other_packages_say_nothing_of_their_own(does: str, tmp_path: Path) -> None:
    assert _printed(does, tmp_path) == ""


def test_dask_says_what_its_own_configuration_asks_for(tmp_path: Path) -> None:
    (tmp_path / "dask.yaml").write_text("logging: {distributed: info}")
    printed = _printed(WORKERS_OF_THIS_MACHINE, tmp_path, DASK_CONFIG=str(tmp_path))
    assert "Start worker at" in printed
    assert "Scheduler at" in printed
