"""How the work of a bench or a search ends, for MLflow and for the command line."""

import signal
from typing import Any

import pytest

from bdgf.core.interruption import Interrupted
from bdgf.experiments.accounted_work import accounted_work


class Told:
    """Takes the state that the run ends with, and what is said."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.lines: list[str] = []

    def end(self, status: str) -> None:
        self.ends.append(status)


def account(told: Told, work: Any) -> int:
    return accounted_work(
        *(work, told, told.lines.append),  # type: ignore[arg-type]
        of="3 runs",
        done=lambda: "1 of 3 runs recorded",
    )


@pytest.mark.parametrize(("failed", "code", "status"), [(0, 0, "FINISHED"), (2, 1, "FAILED")])
def test_parts_that_failed_decide_the_state_and_the_exit_code(failed, code, status) -> None:
    told = Told()
    assert account(told, lambda: failed) == code
    assert told.ends == [status]
    assert told.lines == (
        ["2 of 3 runs failed; the same command tries them again"] if failed else []
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_told_with_how_far_it_is(number) -> None:
    def work() -> int:
        raise Interrupted(number)

    told = Told()
    assert account(told, work) == 128 + number
    assert told.ends == ["KILLED"]
    assert told.lines == ["stopped: 1 of 3 runs recorded; the same command resumes"]


@pytest.mark.parametrize(("error", "status"), [(OSError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_an_error_goes_on_once_the_run_has_ended(error, status) -> None:
    def work() -> int:
        raise error

    told = Told()
    with pytest.raises(error):
        account(told, work)
    assert told.ends == [status]
