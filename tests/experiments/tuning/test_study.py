"""The memory of a search: what it draws, and what is left of it when it is killed."""

import sys
from pathlib import Path
from typing import Any

import pytest

from bdgf.core.errors import ArtifactError, SettingsError
from bdgf.experiments.tuning.space import Knob, Range
from bdgf.experiments.tuning.study import RANDOM_TRIALS, RETRY, SearchStudy, imported_optuna
from tests.messages import telling

KNOBS = (
    Knob("a.rate", 1e-3, Range(1e-4, 1e-1, log=True)),
    Knob("a.size", 5, Range(1, 9, whole=True, step=2)),
    Knob("a.kinds", [1, 2], Range(choices=([1, 2], "all", [3]))),
)
CONFIGURED = {"a.rate": 1e-3, "a.size": 5, "a.kinds": [1, 2]}
FAR = RANDOM_TRIALS + 4
"""So many trials reach those that are drawn by what was learnt."""


def study(folder: Path) -> SearchStudy:
    return SearchStudy(folder / "trials.db", "s", KNOBS)


def done(search: SearchStudy, count: int) -> list[dict[str, Any]]:
    """The values of `count` trials, each done: the larger the size, the better."""
    drawn = []
    for _ in range(count):
        trial = search.ask()
        drawn.append(search.values(trial))
        search.tell(trial, drawn[-1]["a.size"] / 10)
    return drawn


@pytest.mark.slow
def test_the_first_trial_has_the_configured_values_and_a_search_is_the_same_each_time(
    tmp_path: Path,
) -> None:
    runs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        runs.append(done(study(tmp_path / name), FAR))
    assert runs[0] == runs[1]
    assert runs[0][0] == CONFIGURED
    assert len({values["a.rate"] for values in runs[0]}) == FAR
    assert {type(values["a.size"]) for values in runs[0]} == {int}


@pytest.mark.slow
def test_a_killed_search_repeats_what_was_under_way_and_goes_on_as_if_nothing_had_been(
    tmp_path: Path,
) -> None:
    (tmp_path / "whole").mkdir()
    whole = done(study(tmp_path / "whole"), FAR)

    killed = study(tmp_path)
    done(killed, 3)
    under_way = killed.values(killed.ask())
    del killed
    again = study(tmp_path)
    assert len(again.finished()) == 3
    rest = done(again, FAR - 3)
    assert rest[0] == under_way
    assert rest == whole[3:]
    assert [t.number for t in again.trials() if t.user_attrs.get(RETRY) == 3] == [4]


@pytest.mark.slow
def test_a_failed_trial_is_tried_again_once_by_each_search(tmp_path: Path) -> None:
    first = study(tmp_path)
    trial = first.ask()
    first.tell(trial, None)
    second = study(tmp_path)
    retry = second.ask()
    assert second.values(retry) == first.values(trial)
    assert second.values(second.ask()) != first.values(trial)
    second.tell(retry, 0.5)
    assert len(second.finished()) == 1
    third = study(tmp_path)
    assert {t.user_attrs.get(RETRY) for t in third.trials()} == {None, 0, 2}


def test_a_trial_worse_than_most_is_given_up_and_counts_as_done(tmp_path: Path) -> None:
    search = study(tmp_path)
    for value in (0.5, 0.6, 0.7, 0.8, 0.9):
        trial = search.ask()
        assert not any(search.worse_than_most(trial, tenth, value) for tenth in range(1, 10))
        search.tell(trial, value)
    bad = search.ask()
    judged = [search.worse_than_most(bad, tenth, 0.1) for tenth in range(1, 6)]
    assert judged == [False, False, True, True, True]  # the beginning shows little
    search.tell(bad, None, pruned=True)
    assert len(search.finished()) == 6
    best = search.best()
    assert best is not None
    assert best.value == 0.9


def test_of_equal_trials_the_earlier_is_the_best(tmp_path: Path) -> None:
    search = study(tmp_path)
    assert search.best() is None
    for _ in range(3):
        search.tell(search.ask(), 0.5)
    best = search.best()
    assert best is not None
    assert best.number == 0


def test_a_damaged_file_is_told_and_left_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(ArtifactError, match=telling(str(path), "move it away")):
        study(tmp_path)
    assert path.exists()


def test_without_optuna_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SettingsError, match=telling("pip install", "bdgf[tune]")):
        imported_optuna()


def test_the_mlflow_run_is_remembered(tmp_path: Path) -> None:
    search = study(tmp_path)
    assert search.mlflow_run is None
    search.mlflow_run = "abc"
    assert study(tmp_path).mlflow_run == "abc"
