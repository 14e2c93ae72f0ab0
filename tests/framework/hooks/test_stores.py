"""MLflow's database lies at the project's root, whatever folder a command is typed in."""

import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project
from kedro_mlflow.framework.cli import cli as mlflow_cli

from bdgf.framework.hooks.stores import anchored

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


def test_the_ui_serves_the_projects_database_from_a_folder_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    (tmp_path / "src").mkdir()
    below = tmp_path / "conf" / "base"
    served: list[list[str]] = []
    monkeypatch.setattr(mlflow_cli.subprocess, "call", served.append)
    monkeypatch.chdir(below)
    uri: Any = mlflow.get_tracking_uri()
    try:
        result = CliRunner().invoke(mlflow_cli.ui, [])
    finally:
        mlflow.set_tracking_uri(uri)
        bootstrap_project(PROJECT)
    assert result.exit_code == 0, result.exception
    (command,) = served
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert command[command.index("--backend-store-uri") + 1] == store
    assert (tmp_path / "mlflow.db").exists()
    assert [path.name for path in tmp_path.rglob("*.db")] == ["mlflow.db"]
