"""What is kept of a run, and what damage does."""

import numpy as np
import pytest

from tests.experiments.small_suite import PLAN, record


def test_a_record_comes_back_as_it_was_written(records):
    expected, correctness = record(PLAN[3])
    found = records.read(PLAN[3].fingerprint)
    assert found[0] == expected
    assert all(np.array_equal(*pair) for pair in
               zip(vars(found[1]).values(), vars(correctness).values(), strict=True))  # fmt: skip


@pytest.mark.parametrize("ending", [".json", ".npz"])
def test_a_damaged_record_is_none(records, ending):
    name = PLAN[0].fingerprint
    (records.folder / f"{name}{ending}").write_bytes(b"half")
    assert name not in records
    assert "unknown" not in records
