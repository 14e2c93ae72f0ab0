"""What is opened for the runs of a bench."""

import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from bdgf.core.errors import SettingsError
from bdgf.experiments.executors import ExecutorOptions
from bdgf.experiments.open_executor import open_executor


def test_this_machine_needs_no_extra(tmp_path: Path) -> None:
    with (
        patch.dict(sys.modules, {"distributed": None, "dask": None}),
        open_executor(ExecutorOptions(jobs=3), tmp_path, print) as executor,
    ):
        assert executor.slots() == 3


def test_without_the_extra_the_line_says_how_to_get_it(tmp_path: Path) -> None:
    with (
        patch.dict(sys.modules, {"distributed": None}),
        pytest.raises(SettingsError, match=r"--executor dask .*pip install 'bdgf\[cluster\]'"),
        open_executor(ExecutorOptions("dask", workers=2), tmp_path, print),
    ):
        pass
