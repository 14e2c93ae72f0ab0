"""Records of a small suite."""

from pathlib import Path

import pytest

from bdgf.experiments.records import RecordFolder
from tests.experiments.small_suite import PLAN, record


@pytest.fixture
def records(tmp_path: Path) -> RecordFolder:
    folder = RecordFolder(tmp_path / "records")
    for run in PLAN:
        folder.write(*record(run))
    return folder
