import threading
import time

import pytest

from bdgf.experiments.local_executor import next_run, run_all
from bdgf.experiments.suite import PlannedRun


def runs(*shares):
    return [PlannedRun("s", f"row {i}", "demo", 0, {}, f"f{i}", s) for i, s in enumerate(shares)]


def test_a_run_whose_pretraining_is_being_made_is_put_off():
    first, second, third = runs("a", "a", "b")
    assert next_run([second, third], [first], set()) is third
    assert next_run([second, third], [first], {"a"}) is second
    assert next_run([second], [first], set()) is second


def test_runs_without_pretraining_wait_for_nobody():
    first, second = runs(None, None)
    assert next_run([second], [first], set()) is second


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_every_run_is_done_once_and_no_more_at_a_time_than_asked(jobs):
    lock, done, now, most = threading.Lock(), [], 0, 0

    def work(run, stopping):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
            done.append(run.fingerprint)

    run_all(runs("a", "a", "b", None, "b"), jobs, work)
    assert sorted(done) == ["f0", "f1", "f2", "f3", "f4"]
    assert most <= jobs


def test_an_interruption_stops_what_runs():
    stopped = []

    def work(run, stopping):
        if run.fingerprint == "f0":
            raise KeyboardInterrupt
        stopped.append(stopping.wait(30))

    with pytest.raises(KeyboardInterrupt):
        run_all(runs("a", "b"), 2, work)
    assert stopped in ([], [True])  # not started, or told to end
