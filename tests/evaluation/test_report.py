"""The metrics file's content."""

import json

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import accuracy_score

from bdgf.core.errors import SceneError
from bdgf.evaluation.report import EvaluationSettings, evaluate_predictions
from bdgf.scenes.scene import ClassTable

CLASSES = ClassTable.of(["a", "b", "c"])


def make(seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (20, 20))
    parts = np.where(labels > 0, rng.choice([1, 2, 3], p=[0.05, 0.05, 0.9], size=(20, 20)), 0)
    split = xr.DataArray(
        parts.astype(np.uint8), dims=("y", "x"), attrs={"name": "fraction", "seed": 7}
    )
    return rng.dirichlet(np.ones(3), (20, 20)).transpose(2, 0, 1), labels, split


def test_it_holds_what_others_rely_on_and_only_test_pixels_count():
    probabilities, labels, split = make()
    result = evaluate_predictions(probabilities, labels, split, CLASSES, patch=5, seed=3)
    result = json.loads(json.dumps(result))
    assert set(result) == {
        *("overall_accuracy", "average_accuracy", "kappa", "f1", "calibration_error", "leakage"),
        *("per_class", "confusion_matrix", "reliability", "split", "patch", "seed"),
    }
    test = split.to_numpy() == 3
    expected = accuracy_score(labels[test], probabilities.argmax(axis=0)[test] + 1)
    assert result["overall_accuracy"] == pytest.approx(expected)
    assert np.sum(result["confusion_matrix"]) == test.sum() == result["split"]["test"]
    assert list(result["per_class"]) == ["a", "b", "c"]
    assert result["split"]["name"] == "fraction"
    assert (result["seed"], result["split"]["seed"]) == (3, 7)
    changed = probabilities.copy()
    changed[:, ~test] = np.nan
    again = evaluate_predictions(changed, labels, split, CLASSES, patch=5, seed=3)
    assert json.loads(json.dumps(again)) == result


def test_leakage_beyond_the_threshold_is_one_warning(caplog):
    probabilities, labels, split = make()
    evaluate_predictions(probabilities, labels, split, CLASSES, patch=11, seed=0)
    assert len(caplog.records) == 1
    assert "in their 11 px patch" in caplog.text
    assert "choose split.name=spatial_blocks with split.buffer=5 or more" in caplog.text
    caplog.clear()
    lenient = EvaluationSettings(leakage_warning=1.0)
    evaluate_predictions(probabilities, labels, split, CLASSES, 11, 0, lenient)
    assert not caplog.records


def test_no_test_pixels_and_nan_are_one_clear_line():
    probabilities, labels, split = make()
    with pytest.raises(SceneError, match="'fraction' has no test pixels"):
        evaluate_predictions(probabilities, labels, split.where(split != 3, 0), CLASSES, 5, 0)
    probabilities[0][split.to_numpy() == 3] = np.nan
    with pytest.raises(SceneError, match="NaN or infinite"):
        evaluate_predictions(probabilities, labels, split, CLASSES, 5, 0)
