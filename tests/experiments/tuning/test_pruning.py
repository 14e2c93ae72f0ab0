"""When a trial is given up, by its curve."""

from collections.abc import Callable
from threading import Event

import pytest

from bdgf.experiments.tuning import pruning
from bdgf.experiments.tuning.pruning import TrialWatch, value_at

CURVE = [(10, 0.1), (20, 0.2), (30, 0.3)]


def test_trainings_of_different_lengths_are_compared_at_equal_tenths() -> None:
    assert value_at(CURVE, 3, 30) == 0.1
    assert value_at(CURVE, 4, 30) == 0.2
    assert value_at(CURVE, 5, 60) == 0.3
    assert value_at(CURVE, 6, 60) is None


def watch(curve: Callable[[], object], worse_at: int, stopping: Event) -> tuple[TrialWatch, list]:  # type: ignore[type-arg]
    seen: list[tuple[int, float]] = []

    def worse(tenth: int, value: float) -> bool:
        seen.append((tenth, value))
        return tenth == worse_at

    return TrialWatch(stopping, curve, 30, worse), seen  # type: ignore[arg-type]


def test_what_is_decided_does_not_depend_on_when_somebody_looks() -> None:
    length = [0]
    often, seen_often = watch(lambda: CURVE[: length[0]], 8, Event())
    for length[0] in range(4):
        often.look()
        often.look()
    once, seen_once = watch(lambda: CURVE, 8, Event())
    once.look()
    assert seen_often == seen_once == [
        *((tenth, 0.1) for tenth in (1, 2, 3)),
        *((tenth, 0.2) for tenth in (4, 5, 6)),
        *((tenth, 0.3) for tenth in (7, 8)),
    ]  # fmt: skip
    assert often.pruned
    assert once.pruned


def test_the_end_of_a_training_is_its_result_and_is_not_judged() -> None:
    watched, seen = watch(lambda: CURVE, 10, Event())
    watched.look()
    assert not watched.pruned
    assert seen[-1][0] == 9


def test_a_run_waits_until_it_is_given_up_or_the_search_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pruning, "LOOK_SECONDS", 0.0)
    stopping = Event()
    watched, _ = watch(list, 1, stopping)
    assert not watched.wait(0.0)
    stopping.set()
    assert watched.wait(0.0)
    assert not watched.pruned
    given_up, _ = watch(lambda: CURVE, 1, Event())
    assert given_up.wait(0.0)
    assert given_up.pruned
