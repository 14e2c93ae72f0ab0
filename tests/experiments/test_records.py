"""What is kept of a run, and what damage does."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bdgf.core.errors import StorageError
from bdgf.experiments.records import RecordFolder
from tests.experiments.small_suite import PLAN, record

NAME = PLAN[0].fingerprint


def test_a_record_comes_back_as_it_was_written(records: RecordFolder) -> None:
    expected, correctness = record(PLAN[3])
    found = records.read(PLAN[3].fingerprint)
    assert found is not None
    assert found[0] == expected
    for read, written in zip(vars(found[1]).values(), vars(correctness).values(), strict=True):
        np.testing.assert_array_equal(read, written)


def test_a_record_that_is_not_there_is_none_and_nothing_is_said(
    records: RecordFolder, caplog: pytest.LogCaptureFixture
) -> None:
    assert "unknown" not in records
    (records.folder / f"{NAME}.json").unlink()  # killed before it was finished
    assert NAME not in records
    assert not caplog.text
    assert (records.folder / f"{NAME}.npz").exists()


@pytest.mark.parametrize("ending", [".json", ".npz"])
def test_a_damaged_record_is_named_set_aside_and_can_be_written_again(
    records: RecordFolder, caplog: pytest.LogCaptureFixture, ending: str
) -> None:
    (records.folder / f"{NAME}{ending}").write_bytes(b"half")
    assert NAME not in records
    assert f"{NAME}.json is damaged" in caplog.text
    assert (records.folder / "damaged" / f"{NAME}{ending}").read_bytes() == b"half"
    assert not list(records.folder.glob(f"{NAME}*"))
    records.write(*record(PLAN[0]))
    assert NAME in records


def change(name: str, value: Any) -> bytes:
    fields = json.loads(json.dumps(vars(record(PLAN[0])[0])))
    return json.dumps({**fields, name: value}).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"fingerprint": 1}',
        change("fingerprint", "of another run"),
        change("metrics", {}),
        change("metrics", {"kappa": "high"}),
        change("metrics", None),
        change("seconds", "long"),
        change("split", 3),
        change("more", 3),
    ],
)
def test_json_that_is_no_record_of_this_run_counts_as_damaged(
    records: RecordFolder, text: bytes
) -> None:
    (records.folder / f"{NAME}.json").write_bytes(text)
    assert NAME not in records


@pytest.mark.parametrize(
    "arrays",
    [
        {"pixels": np.arange(3, dtype=np.uint32)},
        {"pixels": np.arange(3, dtype=np.uint32), "correct": np.ones(2, bool)},
        {"pixels": np.arange(3), "correct": np.ones(3, bool)},
        {"pixels": np.array([2, 1, 0], np.uint32), "correct": np.ones(3, bool)},
        {"pixels": np.uint32(3), "correct": np.True_},
        {"pixels": np.array([None, {}], object), "correct": np.ones(2, bool)},
    ],
)
def test_arrays_that_are_no_test_pixels_count_as_damaged(
    records: RecordFolder, arrays: dict[str, np.ndarray]
) -> None:
    np.savez_compressed(records.folder / f"{NAME}.npz", **arrays)  # type: ignore[arg-type]
    assert NAME not in records


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    ending=st.sampled_from([".json", ".npz"]),
    keep=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=4),
)
def test_whatever_the_damage_a_record_is_read_or_set_aside(
    records: RecordFolder, ending: str, keep: float, flips: list[tuple[float, int]]
) -> None:
    records.write(*record(PLAN[0]))
    path = records.folder / f"{NAME}{ending}"
    content = bytearray(path.read_bytes())
    content = content[: round(keep * len(content))] if keep < 1 / 2 else content
    for place, change in flips:
        if content:
            content[int(place * len(content))] ^= change
    path.write_bytes(content)
    found = records.read(NAME)
    assert found is None or found[0].fingerprint == NAME
    assert path.exists() == (found is not None)


def test_a_disk_that_refuses_a_record_is_no_damage(
    records: RecordFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StorageError, match="permission denied"):
        records.read(NAME)
    monkeypatch.undo()
    assert NAME in records
