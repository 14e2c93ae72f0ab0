"""Fit of the classical branch's linear maps: logistic regression, by held-out pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Folds = list[tuple[np.ndarray, np.ndarray]]
"""(n,) bool: which pixels of a table train, and which are held out."""

_ITERATIONS = 500  # of L-BFGS, which converges in some dozens on standardised columns
_LEAST_PROBABILITY = 1e-3  # that a held-out pixel's loss reckons with: one mistake decides nothing


class LinearFit(NamedTuple):
    """Logistic regressions, each on columns of its own.

    Attributes:
        candidates: Which of the candidates they are.
        c: C of each, chosen by its cross-entropy on held-out pixels.
        losses: These cross-entropies; None where nothing could be held out.
        shares: With which their probabilities are mixed.
        loss: The mixture's cross-entropy on held-out pixels, likewise None.
    """

    candidates: tuple[int, ...]
    c: tuple[float, ...]
    losses: tuple[float | None, ...]
    shares: np.ndarray
    loss: float | None


class _Tried(NamedTuple):
    # The best penalty of one candidate: its loss, and what it says of each fold's held-out pixels.
    loss: float
    penalty: float
    said: list[np.ndarray]


def choose_linear(
    table: np.ndarray,
    targets: np.ndarray,
    share: np.ndarray,
    candidates: Sequence[Sequence[int]],
    c: Sequence[float],
    folds: Folds,
    inverse_temperature: float | None = None,
) -> LinearFit:
    """Chooses columns and penalties, and how much each regression counts, on held-out pixels.

    Args:
        table: (n, F).
        targets: (n,) classes.
        share: (n,) weights of the pixels.
        candidates: Columns of each candidate, the simplest first.
        c: Values of C.
        folds: Without any, the first penalty is taken, of the first candidate or of all evenly.
        inverse_temperature: All candidates count, in proportion to
            exp(-inverse_temperature * cross-entropy); None takes the best one alone.
    """
    if not folds:
        count = 1 if inverse_temperature is None else len(candidates)
        first, even = (c[0],) * count, np.full(count, 1 / count)
        return LinearFit(tuple(range(count)), first, (None,) * count, even, None)

    def tried(columns: Sequence[int], penalty: float) -> _Tried:
        part, said = table[:, columns], []
        for train, held in folds:
            slopes, bias = fit_linear(part[train], targets[train], share[train], penalty)
            said.append(softmax(part[held] @ slopes.T + bias))
        return _Tried(held_out_loss(said, targets, share, folds), penalty, said)

    best = [
        min((tried(columns, penalty) for penalty in c), key=lambda one: one.loss)
        for columns in candidates
    ]
    losses = np.array([one.loss for one in best])
    kept = list(range(len(best))) if inverse_temperature is not None else [int(np.argmin(losses))]
    shares = softmax(-(inverse_temperature or 0.0) * losses[None, kept])[0]
    answers = zip(*(best[index].said for index in kept), strict=True)
    mixed = [np.tensordot(shares, np.stack(said), 1) for said in answers]
    return LinearFit(
        tuple(kept),
        tuple(best[index].penalty for index in kept),
        tuple(best[index].loss for index in kept),
        shares,
        held_out_loss(mixed, targets, share, folds),
    )


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
    said: Sequence[np.ndarray], targets: np.ndarray, share: np.ndarray, folds: Folds
) -> float:
    """Weighted mean cross-entropy over all that was held out.

    Args:
        said: Of each fold, the trained classes' probabilities of what it holds out.
        targets: (n,) classes.
        share: (n,) weights of the pixels.
        folds: At least one.
    """
    total, weight = 0.0, 0.0
    for probabilities, (train, held) in zip(said, folds, strict=True):
        places = np.searchsorted(np.unique(targets[train]), targets[held])
        right = probabilities[np.arange(len(places)), places]
        total -= float(share[held] @ np.log(np.maximum(right, _LEAST_PROBABILITY)))
        weight += float(share[held].sum())
    return total / weight if weight else 0.0
