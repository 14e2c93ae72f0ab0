"""The command line: what is typed reaches the parameters of the run."""

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kedro.framework.startup import bootstrap_project

from bdgf.core.errors import SettingsError
from bdgf.framework.cli import run, tell_in_one_line
from bdgf.framework.session import ModelSession

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The parameters of every run; nothing of it is run."""
    monkeypatch.chdir(PROJECT)
    bootstrap_project(PROJECT)
    found: list[dict[str, Any]] = []

    def look(session: ModelSession, *_: Any, **__: Any) -> None:
        found.append(session._get_config_loader()["parameters"])

    monkeypatch.setattr(ModelSession, "run", look)
    return found


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(run, ["--env=test", *arguments])


def test_lists_and_mappings_reach_the_parameters(seen: list[dict[str, Any]]) -> None:
    result = typed(
        "--params=features.timesteps=[50, 100],train.epochs=7",
        "--params=train.classifier.guides={cnn: none}",
        "--params",
        "split.buffer=null,seed=4",
    )
    assert result.exit_code == 0, result.output
    (parameters,) = seen
    assert parameters["features"]["timesteps"] == [50, 100]
    assert parameters["train"]["epochs"] == 7
    assert parameters["train"]["classifier"]["guides"]["cnn"] == "none"
    assert parameters["train"]["classifier"]["guides"]["mamba"] == "group_channel_attention"
    assert parameters["split"]["buffer"] is None
    assert parameters["seed"] == 4


def test_a_file_of_options_gives_a_mapping(seen: list[dict[str, Any]], tmp_path: Path) -> None:
    options = tmp_path / "options.yml"
    options.write_text("run: {params: {train: {epochs: 7}}}\n")
    assert typed("--config", str(options)).exit_code == 0
    options.write_text("run: {params: 'train.epochs=8,features.timesteps=[50]'}\n")
    assert typed("--config", str(options)).exit_code == 0
    assert [parameters["train"]["epochs"] for parameters in seen] == [7, 8]
    assert seen[1]["features"]["timesteps"] == [50]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ("features.timesteps=[50,100", "Error: --params: 'features.timesteps=[50,100' cannot be"),
        ("train.epoch=3", "Error: unknown parameter 'train.epoch', did you mean 'train.epochs'?"),
        ("train={epoch: 3}", "Error: unknown parameter 'train.epoch', did you mean"),
    ],
)
def test_a_mistake_ends_with_one_line(seen: list[dict[str, Any]], params: str, told: str) -> None:
    result = typed("--params", params)
    assert result.exit_code == 1
    assert result.output.startswith(told)
    assert result.output.count("\n") == 1
    assert not seen


def test_kedros_own_commands_tell_a_mistake_in_one_line_and_all_else_as_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: before.append(error))
    tell_in_one_line()
    wrapped, other = RuntimeError("a node failed"), KeyError("a defect")
    wrapped.__cause__ = SettingsError("unknown scene\n 'mime'")
    for error in (wrapped, other):
        sys.excepthook(type(error), error, None)
    assert capsys.readouterr().err == "Error: unknown scene 'mime'\n"
    assert before == [other]
