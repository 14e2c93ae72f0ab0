"""What the help of the commands names."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from bdgf.experiments.cli import bench
from bdgf.framework import known_names
from bdgf.framework.cli import run
from bdgf.models.registry import MODELS

PROJECT = Path(__file__).resolve().parents[2]


def shown(command) -> str:  # type: ignore[no-untyped-def]
    result = CliRunner().invoke(command, ["--help"], terminal_width=200)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_help_names_pipelines_scenes_models_and_suites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT / "src")  # anywhere in the project
    bootstrap_project(PROJECT)
    of_run, of_bench = shown(run), shown(bench)
    for name in ("full", "predict", "coast", "demo", *MODELS):
        assert name in of_run.partition("Known:")[2]
    for name in ("comparison", "guidance", "coast"):
        assert name in of_bench.partition("Known:")[2]


def test_one_s_own_scenes_count_and_a_broken_suite_file_does_not_break_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert known_names.scenes() == []
    folder = tmp_path / "conf" / "local" / "parameters_scenes"
    folder.mkdir(parents=True)
    (folder / "mine.yml").write_text("mine: {}")
    (folder / ".hidden.yml").touch()
    (tmp_path / "conf" / "local" / "bench.yml").write_text("a: [")
    assert known_names.scenes() == ["mine"]
    assert known_names.suites() == []
