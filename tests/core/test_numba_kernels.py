"""Compiled kernels: where they may run, and in which threads."""

import os
import subprocess
import sys
import textwrap
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.numba_kernels import numba_kernel, run_tasks, thread_count


def run_in_a_new_process(script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_no_error() -> None:
    # The kernel's file is where Numba would write next; a file in its place hides that too.
    script = """
    import numba.core.caching as caching
    for locator in caching.CacheImpl._locator_classes:
        locator.ensure_cache_path = lambda self: open("/dev/null/nowhere")
    import torch
    from bdgf.nn.selective_scan import ScanInputs, scan_channels_last
    x = torch.ones(1, 3, 2)
    print(scan_channels_last(ScanInputs(x, x, -torch.ones(2, 2), x, x), backend="cpu").sum().item())
    """
    assert float(run_in_a_new_process(script)) > 0


@pytest.mark.slow
def test_a_forked_process_can_scan() -> None:
    script = """
    import os, torch
    from bdgf.nn.selective_scan import ScanInputs, scan_channels_last
    torch.set_num_threads(2)
    x = torch.ones(64, 128, 64)
    inputs = ScanInputs(x, x, -torch.ones(64, 4), x[..., :4], x[..., :4])
    expected = scan_channels_last(inputs, backend="cpu").numpy()
    child = os.fork()
    if child == 0:  # torch's own threads do not outlive a fork, so NumPy compares
        same = (scan_channels_last(inputs, backend="cpu").numpy() == expected).all()
        os._exit(0 if same else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run_in_a_new_process(script).strip() == "0"


def test_little_work_wakes_no_thread_and_no_task_has_two(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert thread_count(tasks=1000, operations=10) == 1
    assert thread_count(tasks=1000, operations=1 << 40) == 4
    assert thread_count(tasks=3, operations=1 << 40) == 3
    assert thread_count(tasks=0, operations=0) == 1


@settings(max_examples=40, deadline=None)
@given(tasks=st.integers(0, 50), threads=st.integers(1, 4))
def test_every_task_is_done_once_and_no_worker_is_entered_twice_at_a_time(tasks, threads):
    done, busy, lock = [], set(), threading.Lock()

    def kernel(first, last, worker):
        with lock:
            assert worker not in busy
            busy.add(worker)
        done.extend(range(first, last))
        with lock:
            busy.remove(worker)
        assert worker < threads

    run_tasks(kernel, tasks, threads)
    assert sorted(done) == list(range(tasks))


def test_an_error_in_any_thread_reaches_the_caller():
    def kernel(first, last, worker):
        if first <= 7 < last:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_tasks(kernel, 16, 3)


def test_a_compiled_kernel_does_what_the_function_does():
    def double(values, first, last):
        for i in range(first, last):
            values[i] *= 2

    values = torch.arange(6.0).numpy()
    kernel = numba_kernel(double)
    run_tasks(lambda first, last, worker: kernel(values, first, last), 6, 2)
    assert values.tolist() == [0, 2, 4, 6, 8, 10]
