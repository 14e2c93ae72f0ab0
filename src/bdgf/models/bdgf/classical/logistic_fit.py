"""Fit of the classical branch's linear maps: logistic regression, by held-out pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bdgf.models.patch.held_out import Folds
from bdgf.models.patch.stacking import cross_entropy, of_right_class

_ITERATIONS = 500  # of L-BFGS, which converges in some dozens on standardised columns


class HeldOutFit(NamedTuple):
    """What a fit to the training pixels of each fold says of those held out.

    Attributes:
        loss: Weighted mean cross-entropy over all folds; None without folds.
        said: Of each fold, probabilities (held-out pixels, K).
    """

    loss: float | None
    said: tuple[np.ndarray, ...]


class LinearFit(NamedTuple):
    """A logistic regression, chosen among penalties.

    Attributes:
        c: C, the inverse L2 penalty.
        held_out: What it says of held-out pixels.
    """

    c: float
    held_out: HeldOutFit


def choose_penalty(
    table: np.ndarray,
    targets: np.ndarray,
    share: np.ndarray,
    classes: int,
    c: Sequence[float],
    folds: Folds,
) -> LinearFit:
    """Chooses the penalty with the lowest cross-entropy on held-out pixels.

    Args:
        table: (n, F).
        targets: (n,) classes.
        share: (n,) weights of the pixels.
        classes: K.
        c: Values of C; the first is taken where nothing is held out.
        folds: Which pixels train and which are held out.
    """
    if not folds:
        return LinearFit(c[0], HeldOutFit(None, ()))

    def tried(penalty: float) -> LinearFit:
        said = []
        for train, held in folds:
            slopes, bias = fit_linear(table[train], targets[train], share[train], penalty)
            found = softmax(table[held] @ slopes.T + bias)
            said.append(among_all(found, np.unique(targets[train]), classes))
        return LinearFit(penalty, held_out_fit(said, targets, share, folds))

    def loss(one: LinearFit) -> float:
        assert one.held_out.loss is not None
        return one.held_out.loss

    return min((tried(penalty) for penalty in c), key=loss)


def held_out_fit(
    said: Sequence[np.ndarray], targets: np.ndarray, share: np.ndarray, folds: Folds
) -> HeldOutFit:
    """The loss of what is said of held-out pixels.

    Args:
        said: Of each fold, probabilities (held-out pixels, K).
        targets: (n,) classes.
        share: (n,) weights of the pixels.
        folds: Which pixels train and which are held out.
    """
    if not folds:
        return HeldOutFit(None, ())
    held = np.concatenate([np.flatnonzero(of_fold) for _, of_fold in folds])
    right = of_right_class(np.concatenate(said), targets[held])
    return HeldOutFit(cross_entropy(right, share[held]), tuple(said))


def among_all(probabilities: np.ndarray, trained: np.ndarray, classes: int) -> np.ndarray:
    """(n, K) of probabilities (n, trained classes): 0 of the others."""
    found = np.zeros((len(probabilities), classes))
    found[:, trained] = probabilities
    return found


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
