"""A run that writes to an MLflow server, on this machine."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient

from bdgf.framework.processes import process_tags
from tests.pipelines.ports import free_port
from tests.pipelines.postgresql import initdb, postgresql
from tests.pipelines.project import Project, empty_database, typed

PATIENCE = 120.0
"""Seconds that the server may take to start on a busy machine."""


@pytest.fixture
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where the server keeps its runs."""
    if request.param == "sqlite":
        shutil.copy(empty_database(), tmp_path / "server.db")
        yield f"sqlite:///{tmp_path / 'server.db'}"
        return
    if (program := initdb()) is None:
        pytest.skip("no initdb: install PostgreSQL (apt-get install postgresql)")
    pytest.importorskip("pg8000", reason="pip install 'bdgf[postgresql]'")
    with postgresql(program) as uri:
        yield uri


@pytest.fixture
def server(backend: str, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    told = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
        "--backend-store-uri": backend,
        "--artifacts-destination": str(tmp_path / "artifacts"),
    }
    arguments = [part for pair in told.items() for part in pair]
    with (tmp_path / "server.txt").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *arguments],
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
        )
    try:
        uri, until = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
        while not _answers(uri):
            assert process.poll() is None, (tmp_path / "server.txt").read_text()
            assert time.monotonic() < until, (tmp_path / "server.txt").read_text()
            time.sleep(0.2)
        yield uri
    finally:
        process.terminate()
        process.wait()


def _answers(uri: str) -> bool:
    try:
        return requests.get(f"{uri}/health", timeout=2).ok
    except requests.RequestException:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)
def test_a_server_gets_the_run_its_metrics_and_its_artifacts(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.create(tmp_path / "project")
    client = MlflowClient(tracking_uri=server, registry_uri=server)
    experiment = client.create_experiment("bdgf")
    gone = {**process_tags(), "process.id": "1", "process.started": "0"}
    left = client.create_run(experiment, tags=gone).info.run_id

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    asked = typed("full", model="random_forest", mlflow__register="shore")
    process = project.process("kedro", "run", *asked)
    printed = "".join(process.communicate())
    assert process.returncode == 0, printed

    (run,) = client.search_runs([experiment], "attributes.status = 'FINISHED'")
    assert run.info.artifact_uri.startswith("mlflow-artifacts:/")
    assert run.data.metrics["oa"] == project.metrics("demo")["overall_accuracy"]
    assert run.data.params["model"] == "random_forest"
    assert "process.id" in run.data.tags
    files = {file.path for file in client.list_artifacts(run.info.run_id, "maps")}
    assert "maps/class_map.tif" in files
    read = client.download_artifacts(run.info.run_id, "maps/class_map.tif", str(tmp_path))
    (written,) = project.versions("07_model_output/demo/class_map.tif")
    assert Path(read).read_bytes() == written.read_bytes()
    (version,) = client.search_model_versions("name = 'shore'")
    assert version.run_id == run.info.run_id
    assert client.get_run(left).info.status == "KILLED"  # by this run: its process is gone
    assert project.mlflow_runs() == []  # nothing went to a file of the project
    assert not (project.folder / "mlruns").exists()
