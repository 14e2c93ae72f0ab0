"""Accuracy measures from a confusion matrix, in the definitions of scikit-learn.

A class without test pixels has recall, precision and F1 of 0 and support 0 in the per-class table,
and is left out of the averages (average accuracy, macro F1).
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from bdgf.scenes.classes import ClassTable


class ClassScores(TypedDict):
    """One class's row of the per-class table; support is its number of test pixels."""

    precision: float
    recall: float
    f1: float
    support: int


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Counts pixels by true and predicted class.

    Args:
        truth: (N,) class ids in 1..K.
        prediction: (N,) class ids in 1..K.
        classes: K.

    Returns:
        (K, K) int64; row i, column j counts pixels of class i + 1 predicted as class j + 1.

    Raises:
        ValueError: An id is outside 1..K, or the lengths differ.
    """
    truth, prediction = np.asarray(truth, np.int64), np.asarray(prediction, np.int64)
    if truth.shape != prediction.shape:
        raise ValueError(f"{truth.shape} true but {prediction.shape} predicted classes")
    for ids in (truth, prediction):
        if ids.size and not (ids.min() >= 1 and ids.max() <= classes):
            raise ValueError(f"class ids {ids.min()}..{ids.max()} are outside 1..{classes}")
    pairs = (truth - 1) * classes + prediction - 1
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def overall_accuracy(confusion: np.ndarray) -> float:
    """Share of correctly classified test pixels, 0..1."""
    return float(np.trace(confusion) / confusion.sum())


def average_accuracy(confusion: np.ndarray) -> float:
    """Mean recall over the classes that have test pixels, 0..1."""
    support = confusion.sum(axis=1)
    return float(_ratio(np.diag(confusion), support)[support > 0].mean())


def kappa(confusion: np.ndarray) -> float:
    """Cohen's kappa: agreement beyond chance (Cohen 1960, eq. 1).

    Where chance alone agrees fully (one class only), it is 1: there was nothing to get wrong.
    """
    total = confusion.sum()
    chance = float((confusion.sum(axis=0) / total) @ (confusion.sum(axis=1) / total))
    return 1.0 if chance == 1.0 else (overall_accuracy(confusion) - chance) / (1.0 - chance)


def macro_f1(confusion: np.ndarray) -> float:
    """Mean F1 over the classes that have test pixels, 0..1."""
    return float(_f1(confusion)[confusion.sum(axis=1) > 0].mean())


def per_class(confusion: np.ndarray, classes: ClassTable) -> dict[str, ClassScores]:
    """Precision, recall, F1 and support by class name, in order of id."""
    hits = np.diag(confusion)
    support = confusion.sum(axis=1)
    precision, recall = _ratio(hits, confusion.sum(axis=0)), _ratio(hits, support)
    f1 = _f1(confusion)
    return {
        name: ClassScores(
            precision=float(precision[i]),
            recall=float(recall[i]),
            f1=float(f1[i]),
            support=int(support[i]),
        )
        for i, name in enumerate(classes.names)
    }


def _f1(confusion: np.ndarray) -> np.ndarray:
    hits = np.diag(confusion)
    return _ratio(2 * hits, confusion.sum(axis=0) + confusion.sum(axis=1))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Element by element, 0 where the denominator is 0."""
    return numerator / np.maximum(denominator, 1)
