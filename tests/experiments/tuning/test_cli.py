"""What is typed behind `kedro tune`."""

from typing import Any

import pytest
from click.testing import CliRunner

from bdgf.experiments.executors import ExecutorOptions
from bdgf.experiments.tuning.cli import tune


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[Any, str]:
    """The options and the command that the search is given."""
    given: list[Any] = []

    def run(options: Any, project: Any, command: str) -> int:
        given[:] = [options, command]
        return 0

    monkeypatch.setattr("bdgf.experiments.tuning.tune.run_tune", run)
    result = CliRunner().invoke(tune, arguments)
    assert result.exit_code == 0, result.output
    return given[0], given[1]


def test_nothing_typed_searches_all_knobs_of_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    options, command = asked(monkeypatch)
    assert (options.scene, options.model, options.trials) == ("demo", "bdgf", 50)
    assert options.where == ExecutorOptions()
    assert (options.seeds, options.knobs, options.prune) == ((0,), (), True)
    assert (options.params, options.measure) == ({}, "average_accuracy")
    assert command == "kedro tune"


def test_what_is_typed_reaches_the_search_and_its_results(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = (
        *("--scene", "coast", "--model", "svm", "--trials", "3", "--seeds", "0-2", "--no-prune"),
        *("--knobs", "preparation,inference", "--params", "split.block=12,features.timesteps=[5]"),
        *("--executor", "dask", "--workers", "2"),
    )
    options, command = asked(monkeypatch, *typed)
    assert options.seeds == (0, 1, 2)
    assert options.knobs == ("preparation", "inference")
    assert options.params == {"split": {"block": 12}, "features": {"timesteps": [5]}}
    assert not options.prune
    assert options.where == ExecutorOptions("dask", workers=2)
    assert command.startswith("kedro tune ")
    for part in ("--scene coast", "--seeds 0-2", "--no-prune", "split.block=12", "--workers 2"):
        assert part in command
    assert "--jobs" not in command


@pytest.mark.parametrize(
    "wrong",
    [
        ("--seeds", "one"),
        ("--knobs", ","),
        ("--measure", "loss"),
        ("--trials", "0"),
        ("--scheduler", "tcp://x:1"),  # without --executor dask
    ],
)
def test_what_cannot_be_is_refused(wrong: tuple[str, str]) -> None:
    result = CliRunner().invoke(tune, wrong)
    assert result.exit_code in (1, 2)
    assert wrong[0] in result.output
    assert "Traceback" not in result.output
