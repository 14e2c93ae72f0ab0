"""Runs published beside a document."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.errors import SettingsError
from bdgf.experiments.published import published, published_runs
from bdgf.experiments.records import PixelCorrectness, Record

RECORD = Record("f0", "x", 0, "bdgf", {"seed": 0}, {"kappa": 0.5}, {"name": "official", "test": 3},
                3.0, 1, 500, False, "mlflow-1", "0", "now")  # fmt: skip


@settings(deadline=None)
@given(st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=40), st.integers(0, 2**16))
def test_runs_come_back_as_they_were_published(tmp_path_factory, pixels, seed):
    folder = tmp_path_factory.mktemp("results")
    correct = np.random.default_rng(seed).random(len(pixels)) < 0.5
    correctness = PixelCorrectness(np.array(sorted(pixels), np.uint32), correct)
    (folder / "own_x_runs.json").write_text(
        published([("a", RECORD, correctness), ("b", RECORD, correctness)])
    )
    found = list(published_runs(folder))
    assert [record for record, _ in found] == [RECORD, RECORD]
    for _, again in found:
        np.testing.assert_array_equal(again.pixels, correctness.pixels)
        np.testing.assert_array_equal(again.correct, correctness.correct)


def test_files_without_test_pixels_hold_no_runs(tmp_path):
    (tmp_path / "old_x_runs.json").write_text('[{"variant": "a", "scene": "x"}]')
    assert list(published_runs(tmp_path)) == []


@pytest.mark.parametrize("text", ["[", '[{"right": "!", "pixels": "!"}]', '[{"right": ""}]'])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "own_x_runs.json").write_text(text)
    with pytest.raises(SettingsError, match=r"own_x_runs\.json"):
        list(published_runs(tmp_path))
