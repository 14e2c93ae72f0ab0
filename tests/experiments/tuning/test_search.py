"""A search on the project's own configuration; its runs are stand-ins."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bdgf.core.errors import SettingsError
from bdgf.experiments.executors import ExecutorOptions
from bdgf.experiments.suite import nested
from bdgf.experiments.tuning.search import Search, TuneOptions
from bdgf.experiments.tuning.trial_work import do_trials
from tests.experiments.test_suite import resolve
from tests.experiments.tuning.trials import (
    RATE,
    SIGMA,
    NoSearchTracking,
    QuickTrial,
    opened,
    search,
)
from tests.messages import numbers, telling
from tests.pipelines.project import ROOT


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdgf.experiments.tuning.trial_work.RunProcess", QuickTrial)
    monkeypatch.setattr(QuickTrial, "done", [])
    monkeypatch.setattr(QuickTrial, "fails_above", 100.0)


def run(asked: Search, count: int, **chosen: Any) -> int:
    return do_trials(asked, count, NoSearchTracking(**chosen))  # type: ignore[arg-type]


def test_every_run_is_judged_on_the_same_held_out_training_pixels(tmp_path: Path) -> None:
    planned = search(tmp_path, knobs=("train.classifier.patch",), seeds=(3, 4))
    runs = planned.runs({"train.classifier.patch": 5}, "7")
    assert [run.seed for run in runs] == [3, 4]
    for each in runs:
        split = each.params["split"]
        assert split["name"] == "training_blocks"
        assert split["buffer"] == 7  # of the widest patch that is tried, 15 pixels
        assert each.variant == "trial 7"


def test_a_training_keeps_validation_pixels_only_where_trials_are_given_up(tmp_path: Path) -> None:
    last = nested({"train.selection.rule": "last"})
    values = {SIGMA: 1.0, RATE: 1e-3}

    def kept(**chosen: Any) -> Any:
        (found,) = search(tmp_path, params=last, **chosen).runs(values, "0")
        return found.params["train"]["selection"].get("use_validation")

    assert kept() is False
    assert kept(prune=False) is None
    assert "split" not in search(tmp_path, params=last).settings(values)


@pytest.mark.parametrize("name", ["seed", "dataset", "model", "split.name"])
def test_what_the_search_decides_cannot_be_set(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=telling("--params", name)):
        search(tmp_path, params=nested({name: 1}))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"scene": "demmo"}, ("demmo", "demo")),
        ({"model": "bdfg"}, ("bdfg", "bdgf")),
        ({"knobs": ("train.epoch",)}, ("train.epoch", "train.epochs")),
        ({"params": {"train": {"epoch": 3}}}, ("train.epoch", "train.epochs")),
        ({"params": {"train": {"epochs": 0}}}, ("train.epochs", "0")),
    ],
)
def test_what_is_unknown_or_wrong_is_told_before_anything_runs(
    tmp_path: Path, chosen: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError, match=telling(*words)):
        search(tmp_path, **chosen)


@pytest.mark.slow
def test_a_search_finds_better_settings_than_the_configured_ones(tmp_path: Path) -> None:
    lines: list[str] = []
    asked = opened(tmp_path, lines, trials=20)
    assert run(asked, asked.to_do()) == 0
    best = asked.study.best()
    assert best is not None
    assert best.value is not None
    assert best.value > 0.85  # the configured sigma of 0 comes to 0.7
    assert abs(asked.study.values(best)[SIGMA] - 2) < 0.5
    assert asked.to_do() == 0
    assert len(lines) == 20
    assert "AA 70.00 %" in lines[0]
    assert all("left" in line for line in lines[:-1])
    assert "left" not in lines[-1]
    more = opened(tmp_path, trials=22)
    assert more.to_do() == 2


@pytest.mark.slow
def test_what_is_recorded_is_not_run_again(tmp_path: Path) -> None:
    run(opened(tmp_path), 3)
    (tmp_path / "tune" / "demo" / "trials.db").unlink()
    run(opened(tmp_path), 3)
    assert len(QuickTrial.done) == 3


def test_the_mean_over_the_seeds_counts(tmp_path: Path) -> None:
    asked = opened(tmp_path, seeds=(0, 1))
    run(asked, 2)
    assert [params["seed"] for params in QuickTrial.done] == [0, 1, 0, 1]
    assert len(asked.study.trials()[1].user_attrs["scores"]) == 2


@pytest.mark.slow
def test_a_failed_trial_is_told_and_tried_again_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(QuickTrial, "fails_above", 0.0)  # all but the first
    asked = opened(tmp_path, lines, trials=3)
    assert run(asked, 3) == 2
    assert sum("FAILED: too smooth" in line for line in lines) == 2
    monkeypatch.setattr(QuickTrial, "fails_above", 100.0)
    again = opened(tmp_path, trials=3)
    assert again.to_do() == 2
    assert run(again, 2) == 0
    values = [again.study.values(trial) for trial in again.study.trials()]
    assert values[1:3] == values[3:5]


@pytest.mark.slow
def test_a_trial_whose_curve_is_worse_than_most_is_given_up(tmp_path: Path) -> None:
    lines: list[str] = []
    asked = opened(tmp_path, lines, trials=7)
    settings = resolve({"dataset": "demo"})["train"]
    steps = settings["epochs"] * settings["batches_per_epoch"]
    good = [(step, 0.8) for step in range(1, steps + 1)]
    bad = [(step, 0.1) for step in range(1, steps + 1)]
    tracking = NoSearchTracking([*[good] * 6, bad])
    assert do_trials(asked, 7, tracking) == 0  # type: ignore[arg-type]
    assert [trial.state.name for trial in asked.study.trials()] == ["COMPLETE"] * 6 + ["PRUNED"]
    assert tracking.pruned == ["6"]
    assert "given up" in lines[-1]
    assert asked.to_do() == 0


@pytest.mark.slow
def test_two_trials_run_at_a_time(tmp_path: Path) -> None:
    asked = opened(tmp_path, trials=8, where=ExecutorOptions(jobs=2))
    assert run(asked, 8) == 0
    assert len(asked.study.finished()) == 8


@pytest.mark.slow
def test_a_search_is_the_same_after_the_best_values_were_configured(tmp_path: Path) -> None:
    def with_sigma(sigma: float, **chosen: Any) -> str:
        def tuned(typed: dict[str, Any]) -> dict[str, Any]:
            found = resolve(typed)
            if "inference" not in typed:
                found["inference"]["smoothing"]["sigma"] = sigma
            return {**found, "working_folder": str(tmp_path)}

        options = {"scene": "demo", "knobs": (SIGMA,), "env": "test", **chosen}
        return Search(TuneOptions(**options), tuned, print).name

    assert with_sigma(0.0) == with_sigma(2.0)
    others: list[dict[str, Any]] = [
        {"seeds": (1,)},
        {"knobs": (SIGMA, RATE)},
        {"model": "svm"},
        {"measure": "kappa"},
        {"params": {"train": {"epochs": 2}}},
    ]
    names = [with_sigma(0.0, **other) for other in others]
    assert len({with_sigma(0.0), *names}) == len(names) + 1


ENDLESS = """
import sys
from pathlib import Path
from bdgf.experiments.tuning import trial_work
from tests.experiments.tuning.trials import EndlessAfterTheSecond, NoSearchTracking, opened

trial_work.RunProcess = EndlessAfterTheSecond
asked = opened(Path(sys.argv[1]), trials=6)
trial_work.do_trials(asked, asked.to_do(), NoSearchTracking())
"""


@pytest.mark.slow
def test_a_killed_search_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = opened(tmp_path / "whole", trials=6)
    run(whole, 6)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    killed = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, tmp_path / "killed"],
        env={**os.environ, "PYTHONPATH": path},
    )
    folder = tmp_path / "killed" / "tune" / "demo"
    while len(list((folder / "records").glob("*.json"))) < 2 and killed.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)  # until the third is under way
    killed.kill()
    assert killed.wait() == -signal.SIGKILL

    lines: list[str] = []
    again = opened(tmp_path / "killed", lines, trials=6)
    assert again.to_do() in (4, 5)
    assert run(again, again.to_do()) == 0
    assert numbers(lines[-1], "trial")[0:2] == [len(lines)] * 2

    def values(asked: Search) -> list[Any]:
        return [(asked.study.values(trial), trial.value) for trial in asked.study.finished()]

    assert values(again) == values(whole)


def test_a_measure_that_is_no_number_fails_its_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr("tests.experiments.tuning.trials.value_of", lambda params: float("nan"))
    assert run(opened(tmp_path, lines), 1) == 1
    assert "average_accuracy" in lines[0]
