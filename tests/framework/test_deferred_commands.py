"""`kedro mlflow` without MLflow until it is asked for."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from kedro.framework.cli import cli as program

from bdgf.framework.deferred_commands import DeferredGroup, defer_commands

PROJECT = Path(__file__).resolve().parents[2]


def test_other_commands_do_not_import_mlflow() -> None:
    code = (
        "import sys, click; from pathlib import Path; from kedro.framework.cli.cli import KedroCLI;"
        "program = KedroCLI(Path.cwd());"
        "assert 'mlflow' in program.list_commands(click.Context(program));"
        "heavy = {'mlflow', 'torch', 'xarray', 'pandas', 'sklearn', 'scipy'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_group_has_the_commands_of_the_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    (place,) = entry_points(group="kedro.project_commands", name="kedro_mlflow")
    group = DeferredGroup("mlflow", place, "help")
    context = click.Context(group)
    assert "ui" in group.list_commands(context)
    assert group.get_command(context, "ui") is not None
    assert group.get_command(context, "nothing") is None


def test_deferring_twice_is_deferring_once() -> None:
    defer_commands()
    once = program.load_entry_points
    defer_commands()
    assert program.load_entry_points is once
    names = [name for group in once("project") for name in group.commands]
    assert "mlflow" in names
    assert once("global")
