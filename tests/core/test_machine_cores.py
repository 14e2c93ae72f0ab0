import os
from pathlib import Path

import pytest

from bdgf.core.machine_cores import machine_cores


def test_without_a_limit_it_is_the_affinity(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine_cores(tmp_path) == len(os.sched_getaffinity(0))
    assert machine_cores(tmp_path / "nowhere") == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("told", "cores"),
    [("50000 100000", 1), ("100000 100000", 1), ("150000 100000", 2), ("99999999 1", None)],
)
def test_processor_time_counts_in_whole_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, cores: int | None
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (tmp_path / "cpu.max").write_text(told + "\n")
    assert machine_cores(tmp_path) == (cores or 64)


def test_the_older_kind_of_containers_counts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("300000\n")
    assert machine_cores(tmp_path) == 3
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    assert machine_cores(tmp_path) == 64


def test_something_unreadable_is_no_limit(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_bytes(b"\xff\xfe 3")
    assert machine_cores(tmp_path) == len(os.sched_getaffinity(0))
