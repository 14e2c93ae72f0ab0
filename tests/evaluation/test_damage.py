"""Accuracies of maps with one modality spoilt."""

import numpy as np
import pytest

from bdgf.evaluation.damage import measure_damaged

TRUTH = np.array([1, 1, 1, 2], np.uint8)


def test_each_map_is_scored_where_something_was_left_to_see():
    maps = {
        ("hidden", "sar"): np.array([1, 2, 1, 2], np.uint8),
        ("hidden", "optical"): np.array([0, 1, 2, 0], np.uint8),
        ("clouds", "sar"): np.zeros(4, np.uint8),
    }
    found = measure_damaged(maps, TRUTH, 2)
    assert found["hidden"]["sar"] == {
        "overall_accuracy": 0.75,
        "average_accuracy": pytest.approx(5 / 6),
        "scored": 4,
    }
    assert found["hidden"]["optical"] == {
        "overall_accuracy": 0.5,
        "average_accuracy": 0.5,
        "scored": 2,
    }
    assert found["clouds"]["sar"]["overall_accuracy"] is None
