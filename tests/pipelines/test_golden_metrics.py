"""What the golden files let pass, and what not."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.golden_metrics import TOLERANCE, GoldenMetrics, differences

METRICS: dict[str, Any] = {
    "overall_accuracy": 0.9,
    "per_class": {"trees": {"f1": 0.8, "support": 10}},
    "confusion_matrix": [[9, 1], [0, 1000]],
    "split": {"name": "official", "test": 1010},
    "model": "bdgf",
}


def changed(place: str, value: Any) -> dict[str, Any]:
    metrics = deepcopy(METRICS)
    *groups, name = place.split(".")
    group = metrics
    for inner in groups:
        group = group[inner]
    group[name] = value
    return metrics


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("overall_accuracy", 0.9 + 0.9 * TOLERANCE),
        ("per_class.trees.f1", 0.8 - 0.9 * TOLERANCE),
        ("confusion_matrix", [[9, 1], [5, 995]]),
    ],
)
def test_measures_may_differ_a_little(place: str, value: Any) -> None:
    assert differences(METRICS, changed(place, value)) == []


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("overall_accuracy", 0.9 - 1.1 * TOLERANCE, ["overall_accuracy"]),
        ("per_class.trees.support", 11, ["per_class.trees.support"]),
        ("confusion_matrix", [[9, 1], [0, 1001]], ["confusion_matrix.1"]),
        ("confusion_matrix", [[8, 2], [0, 1000]], ["confusion_matrix.0.0", "confusion_matrix.0.1"]),
        ("split.name", "per_class", ["split.name"]),
        ("model", None, ["model"]),
        ("new", 1, ["new"]),
    ],
)
def test_all_else_is_told(place: str, value: Any, told: list[str]) -> None:
    found = differences(METRICS, changed(place, value))
    assert [line.partition(":")[0] for line in found] == told


def test_a_golden_file_is_renewed_on_demand_alone(tmp_path: Path) -> None:
    GoldenMetrics(renew=True, folder=tmp_path).check("own", METRICS)
    golden = GoldenMetrics(folder=tmp_path)
    golden.check("own", METRICS)
    with pytest.raises(AssertionError, match="make golden"):
        golden.check("own", changed("model", "svm"))
    assert json.loads((tmp_path / "own_metrics.json").read_text()) == METRICS
