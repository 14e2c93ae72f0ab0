"""The two ways to the commands: through Kedro, and `python -m bdgf`."""

from pathlib import Path

import pytest

import bdgf.__main__ as program
from bdgf.cli import cli

PROJECT = Path(__file__).resolve().parents[1]


def test_kedro_finds_the_commands_of_the_project() -> None:
    assert set(cli.commands) == {"run", "bench", "scene"}
    assert cli.commands["run"] is program.run


@pytest.mark.parametrize("folder", [".", "conf/base"])
def test_it_runs_the_project_around_the_working_directory(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []
    monkeypatch.chdir(PROJECT / folder)
    monkeypatch.setattr(program, "bootstrap_project", done.append)
    monkeypatch.setattr(program, "run", lambda: done.append("run"))
    program.main()
    assert done == [PROJECT, "run"]
