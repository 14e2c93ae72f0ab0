"""MLflow's database lies at the project's root, whatever folder a command is typed in."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project
from kedro_mlflow.framework.cli import cli as mlflow_cli

from bdgf.core.errors import SettingsError
from bdgf.framework.hooks import stores
from bdgf.framework.hooks.stores import StoreHooks, anchored, require_server
from bdgf.framework.mlflow_table import with_view

PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("uri", "right"),
    [
        ("sqlite:///mlflow.db", "sqlite:////project/mlflow.db"),
        ("sqlite:///runs/mlflow.db", "sqlite:////project/runs/mlflow.db"),
        ("sqlite:////elsewhere/mlflow.db", "sqlite:////elsewhere/mlflow.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("http://server:5000", "http://server:5000"),
        ("postgresql://user@server/runs", "postgresql://user@server/runs"),
        ("databricks", "databricks"),
    ],
)
def test_only_a_relative_file_is_the_projects(uri: str, right: str) -> None:
    assert anchored(uri, Path("/project")) == right


@pytest.mark.slow
def test_the_ui_serves_the_projects_database_from_a_folder_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    (tmp_path / "src").mkdir()
    below = tmp_path / "conf" / "base"
    served: list[list[str]] = []
    programs: list[str | None] = []

    def call(command: list[str]) -> None:
        served.append(command)
        programs.append(shutil.which(command[0]))

    monkeypatch.setattr(mlflow_cli.subprocess, "call", call)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # the environment is not active
    monkeypatch.chdir(below)
    uri: Any = mlflow.get_tracking_uri()
    try:
        result = CliRunner().invoke(mlflow_cli.ui, [])
    finally:
        mlflow.set_tracking_uri(uri)
        bootstrap_project(PROJECT)
    assert result.exit_code == 0, result.exception
    (command,) = served
    assert programs == [str(Path(sys.executable).parent / "mlflow")]
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert command[command.index("--backend-store-uri") + 1] == store
    assert (tmp_path / "mlflow.db").exists()
    assert [path.name for path in tmp_path.rglob("*.db")] == ["mlflow.db"]


def completed(configured: dict[str, Any]) -> dict[str, Any]:
    loader = {"mlflow": configured}
    context: Any = SimpleNamespace(config_loader=loader, project_path=Path("/project"))
    StoreHooks().after_context_created(context)
    return loader["mlflow"]


def configured(uri: str, artifacts: str = "mlruns") -> dict[str, Any]:
    made = {"artifact_location": artifacts, "tags": {"a": "b"}}
    experiment = {"name": "bdgf", "create_experiment_kwargs": made}
    return {"server": {"mlflow_tracking_uri": uri}, "tracking": {"experiment": experiment}}


def test_a_server_of_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(stores, "require_server", asked.append)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    found = completed(configured("sqlite:///mlflow.db"))
    assert found["server"]["mlflow_tracking_uri"] == asked[0] == "http://server:5000"
    made = found["tracking"]["experiment"]["create_experiment_kwargs"]
    assert made["artifact_location"] is None  # the server's own place
    assert made["tags"].items() > {"a": "b"}.items()


def test_a_file_that_mlflow_left_in_the_environment_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////of/another/project.db")
    found = completed(configured("sqlite:///mlflow.db"))
    assert found["server"]["mlflow_tracking_uri"] == "sqlite:////project/mlflow.db"
    assert found["tracking"] == with_view(configured("")["tracking"])


def test_an_address_for_artifacts_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "require_server", lambda uri: None)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    found = completed(configured("https://server", "s3://bucket/runs"))
    made = found["tracking"]["experiment"]["create_experiment_kwargs"]
    assert made["artifact_location"] == "s3://bucket/runs"


def test_a_server_that_does_not_answer_is_one_line_without_its_password() -> None:
    with pytest.raises(
        SettingsError, match=r"server http://127\.0\.0\.1:9 does not answer"
    ) as told:
        require_server("http://me:secret@127.0.0.1:9")
    assert "secret" not in str(told.value)
