"""Metrics: equal to scikit-learn's, with a stated rule for absent classes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from bdgf.evaluation import metrics
from bdgf.scenes.scene import ClassTable


def draw(seed, classes=5, pixels=200):
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, classes + 1, pixels)
    wrong = rng.random(pixels) < 0.4
    return truth, np.where(wrong, rng.integers(1, classes + 1, pixels), truth)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_equal_to_scikit_learn(seed):
    truth, prediction = draw(seed)
    confusion = metrics.confusion_matrix(truth, prediction, 5)
    np.testing.assert_array_equal(confusion, sk.confusion_matrix(truth, prediction))
    assert metrics.overall_accuracy(confusion) == pytest.approx(
        sk.accuracy_score(truth, prediction)
    )
    assert metrics.average_accuracy(confusion) == pytest.approx(
        sk.balanced_accuracy_score(truth, prediction)
    )
    assert metrics.kappa(confusion) == pytest.approx(sk.cohen_kappa_score(truth, prediction))
    assert metrics.macro_f1(confusion) == pytest.approx(
        sk.f1_score(truth, prediction, average="macro")
    )
    table = metrics.per_class(confusion, ClassTable.of(list("abcde")))
    expected = sk.precision_recall_fscore_support(truth, prediction, zero_division=0)
    rows = [[row[k] for row in table.values()] for k in ("precision", "recall", "f1", "support")]
    np.testing.assert_allclose(rows, expected)


def test_a_class_without_test_pixels_counts_in_no_average():
    truth, prediction = np.array([1, 1, 3, 3]), np.array([1, 2, 3, 3])
    confusion = metrics.confusion_matrix(truth, prediction, 4)
    assert confusion.shape == (4, 4)
    assert metrics.average_accuracy(confusion) == 0.75
    assert metrics.macro_f1(confusion) == pytest.approx(
        sk.f1_score(truth, prediction, labels=[1, 3], average="macro")
    )
    table = metrics.per_class(confusion, ClassTable.of(list("abcd")))
    assert table["b"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


def test_kappa_of_a_single_class_is_one():
    assert metrics.kappa(metrics.confusion_matrix(np.ones(3), np.ones(3), 2)) == 1.0


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [([0, 1], [1, 1], "outside 1..3"), ([1], [4], "outside 1..3"), ([1, 2], [1], "predicted")],
)
def test_ids_that_cannot_be(truth, prediction, message):
    with pytest.raises(ValueError, match=message):
        metrics.confusion_matrix(np.array(truth), np.array(prediction), 3)
