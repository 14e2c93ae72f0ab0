"""Where the runs of a bench are: what may be asked for."""

import os
from typing import Any

import pytest

from bdgf.core.errors import SettingsError
from bdgf.experiments.executors import (
    ExecutorOptions,
    LocalExecutor,
    shared_threads,
)
from tests.messages import telling


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"workers": 2}, ("--workers", "--executor dask")),
        ({"scheduler": "tcp://x:1"}, ("--scheduler", "--executor dask")),
        ({"executor": "dask"}, ("--scheduler", "--workers")),
        ({"executor": "dask", "workers": 2, "scheduler": "tcp://x:1"}, ("either", "or --workers")),
    ],
)
def test_options_that_do_not_fit_are_refused(given: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match=telling(*words)):
        ExecutorOptions(**given).check()


def test_options_that_fit_are_taken() -> None:
    ExecutorOptions(jobs=2, threads=1).check()
    ExecutorOptions("dask", workers=2).check()
    ExecutorOptions("dask", scheduler="tcp://x:1").check()


def test_runs_share_the_cores_unless_threads_are_given() -> None:
    cores = os.cpu_count() or 1
    assert shared_threads(1) == 0  # the libraries choose
    assert shared_threads(2) == max(1, cores // 2)
    assert shared_threads(10 * cores) == 1
    assert LocalExecutor(2).threads == shared_threads(2)
    assert LocalExecutor(2, 7).threads == 7
