"""Fit of the statistics branch's linear map: logistic regression, chosen on held-out pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

Folds = list[tuple[np.ndarray, np.ndarray]]
"""(n,) bool: which pixels of a table train, and which are held out."""
Predictor = Callable[[np.ndarray, np.ndarray], np.ndarray]

_ITERATIONS = 500  # of L-BFGS, which converges in some dozens on standardised columns
_LEAST_PROBABILITY = 1e-3  # that a held-out pixel's loss reckons with: one mistake decides nothing


class LinearFit(NamedTuple):
    """A logistic regression on some columns of the table.

    Attributes:
        candidate: Which of the candidates was chosen.
        inverse_penalty: C.
        loss: Cross-entropy on held-out training pixels; None where none could be held out.
    """

    candidate: int
    inverse_penalty: float
    loss: float | None


def choose_linear(
    table: np.ndarray,
    targets: np.ndarray,
    share: np.ndarray,
    candidates: Sequence[Sequence[int]],
    inverse_penalties: Sequence[float],
    folds: Folds,
) -> LinearFit:
    """Chooses columns and penalty by the lowest cross-entropy on held-out pixels.

    Args:
        table: (n, F).
        targets: (n,) classes.
        share: (n,) weights of the pixels.
        candidates: Columns of each candidate, the simplest first.
        inverse_penalties: Values of C.
        folds: Without any, the first candidate and penalty are taken.
    """
    options = list(product(range(len(candidates)), inverse_penalties))
    if not folds:
        return LinearFit(*options[0], None)

    def loss(candidate: int, penalty: float) -> float:
        columns = candidates[candidate]

        def predict(train: np.ndarray, held: np.ndarray) -> np.ndarray:
            part = table[:, columns]
            slopes, bias = fit_linear(part[train], targets[train], share[train], penalty)
            return softmax(part[held] @ slopes.T + bias)

        return held_out_loss(predict, targets, share, folds)

    losses = [loss(*option) for option in options]
    best = int(np.argmin(losses))
    return LinearFit(*options[best], losses[best])


def fit_linear(
    table: np.ndarray, targets: np.ndarray, share: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (K, F) and bias (K,) on the table as it is; K the classes that `targets` holds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(table)
    model = LogisticRegression(C=penalty, max_iter=_ITERATIONS)
    model.fit(scaler.transform(table), targets, sample_weight=share)
    weight, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps the second class's logit alone
        weight, bias = np.concatenate([0 * weight, weight]), np.concatenate([0 * bias, bias])
    weight = weight / scaler.scale_
    return weight, bias - weight @ scaler.mean_


def softmax(logits: np.ndarray) -> np.ndarray:
    """(n, K) probabilities."""
    from scipy.special import softmax as of_rows

    return np.asarray(of_rows(logits, axis=1))


def held_out_loss(
    predict: Predictor, targets: np.ndarray, share: np.ndarray, folds: Folds
) -> float:
    """Weighted mean cross-entropy over all that was held out.

    Args:
        predict: Trains on some pixels; gives the trained classes' probabilities of others.
        targets: (n,) classes.
        share: (n,) weights of the pixels.
        folds: At least one.
    """
    total, weight = 0.0, 0.0
    for train, held in folds:
        places = np.searchsorted(np.unique(targets[train]), targets[held])
        right = predict(train, held)[np.arange(len(places)), places]
        total -= float(share[held] @ np.log(np.maximum(right, _LEAST_PROBABILITY)))
        weight += float(share[held].sum())
    return total / weight if weight else 0.0
