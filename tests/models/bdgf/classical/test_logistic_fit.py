"""The choice of regressions on held-out pixels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from bdgf.models.bdgf.classical.logistic_fit import (
    among_all,
    choose_penalty,
    fit_linear,
    held_out_fit,
    softmax,
)


def make_table(classes=3, count=240):
    """Column 0 tells the classes apart, column 1 a little, column 2 not at all."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, classes, count)
    table = rng.normal(size=(count, 3)) * [0.5, 2, 5] + targets[:, None] * [1.5, 1, 0] + 7
    return table, targets, rng.uniform(0.5, 2, count)


def halves(count=240):
    even = np.arange(count) % 2 == 0
    return [(even, ~even), (~even, even)]


@pytest.mark.parametrize("classes", [2, 3])
def test_a_fit_is_scikit_learns_on_standardised_columns(classes):
    table, targets, share = make_table(classes)
    weight, bias = fit_linear(table, targets, share, 0.3)
    assert weight.shape == (classes, 3)
    scaled = StandardScaler().fit_transform(table)
    model = LogisticRegression(C=0.3, max_iter=1000).fit(scaled, targets, sample_weight=share)
    found = softmax(table @ weight.T + bias)
    np.testing.assert_allclose(found, model.predict_proba(scaled), atol=1e-4)


def test_the_loss_is_the_weighted_cross_entropy_of_all_that_was_held_out():
    _, targets, share = make_table()
    rng, folds = np.random.default_rng(1), halves()
    said = [rng.dirichlet(np.ones(3) * 5, held.sum()) for _, held in folds]
    held = np.concatenate([np.flatnonzero(held) for _, held in folds])
    wanted = log_loss(targets[held], np.concatenate(said), sample_weight=share[held])
    assert held_out_fit(said, targets, share, folds).loss == pytest.approx(wanted, rel=1e-3)


def test_a_class_that_did_not_train_has_no_probability():
    found = among_all(np.array([[0.3, 0.7]]), np.array([0, 2]), 4)
    assert found.tolist() == [[0.3, 0, 0.7, 0]]


def test_the_penalty_of_the_lowest_loss_is_taken_and_what_it_says_kept():
    table, targets, share = make_table()
    found = choose_penalty(table, targets, share, 3, (1e-4, 1.0), halves())
    alone = choose_penalty(table, targets, share, 3, (1e-4,), halves())
    assert found.c == 1.0
    assert found.held_out.loss < alone.held_out.loss
    for said, (train, held) in zip(found.held_out.said, halves(), strict=True):
        weight, bias = fit_linear(table[train], targets[train], share[train], 1.0)
        np.testing.assert_allclose(said, softmax(table[held] @ weight.T + bias))


def test_where_nothing_can_be_held_out_the_first_penalty_is_taken():
    table, targets, share = make_table()
    found = choose_penalty(table, targets, share, 3, (0.1, 1.0), [])
    assert found.c == 0.1
    assert found.held_out == (None, ())
