"""A run knows its process from its first moment, and is not told to have finished when it stops."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import mlflow
import pytest
from mlflow import MlflowClient

from bdgf.core.interruption import Interrupted, deferred, listening, raise_if_requested
from bdgf.framework.hooks.processes import ProcessHooks
from bdgf.framework.processes import PID, process_tags


def test_a_new_run_is_tagged_as_it_is_made(
    active_run: mlflow.ActiveRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", json.dumps({"cluster": "a", PID: "1"}))
    ProcessHooks().after_context_created()
    with mlflow.start_run(nested=True) as run:
        tags = MlflowClient().get_run(run.info.run_id).data.tags
    assert process_tags().items() <= tags.items()
    assert tags["cluster"] == "a"


def around(wrapper: Iterator[None], inside: Callable[[], object] = lambda: None) -> None:
    """Runs a wrapper of a hook as pluggy does."""
    next(wrapper)
    inside()
    with suppress(StopIteration):
        next(wrapper)


def test_a_run_that_was_made_before_is_this_process_s_now(active_run: mlflow.ActiveRun) -> None:
    mlflow.set_tag(PID, "1")
    around(ProcessHooks().before_pipeline_run())
    assert mlflow.get_run(active_run.info.run_id).data.tags[PID] == str(os.getpid())


def test_without_a_run_nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow, "active_run", lambda: None)
    monkeypatch.setattr(mlflow, "set_tags", lambda tags: pytest.fail("there is no run"))
    around(ProcessHooks().before_pipeline_run())


def test_a_signal_that_was_lost_stops_the_run_at_the_next_node() -> None:
    with listening():
        with deferred():
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted):
            around(ProcessHooks().before_node_run(), lambda: pytest.fail("the node runs"))


@pytest.mark.parametrize("hook", ["before_node_run", "after_dataset_saved"])
def test_a_signal_waits_until_all_is_logged(hook: str) -> None:
    done = []

    def log() -> None:
        signal.raise_signal(signal.SIGTERM)
        done.append("logged")

    with listening(), pytest.raises(Interrupted):
        around(getattr(ProcessHooks(), hook)(), log)
    assert done == ["logged"]


def test_a_signal_that_was_lost_stops_the_run_before_it_has_finished(
    active_run: mlflow.ActiveRun,
) -> None:
    with listening():
        with deferred():
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted):
            around(ProcessHooks().after_pipeline_run(), lambda: pytest.fail("it is ended"))


def test_a_signal_waits_until_the_run_is_made(active_run: mlflow.ActiveRun) -> None:
    done = []

    def make_run() -> None:
        signal.raise_signal(signal.SIGTERM)
        done.append("made")

    with listening(), pytest.raises(Interrupted):
        around(ProcessHooks().before_pipeline_run(), make_run)
    assert done == ["made"]


def test_a_signal_waits_until_the_run_has_ended() -> None:
    done = []

    def end_run() -> None:
        signal.raise_signal(signal.SIGTERM)
        done.append("ended")

    with listening():
        around(ProcessHooks().after_pipeline_run(), end_run)
        with pytest.raises(Interrupted):
            raise_if_requested()
    assert done == ["ended"]
