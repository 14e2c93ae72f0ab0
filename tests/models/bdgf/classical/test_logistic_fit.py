"""The choice of regressions on held-out pixels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from bdgf.models.bdgf.classical.logistic_fit import (
    choose_linear,
    fit_linear,
    held_out_loss,
    softmax,
)


def make_table(classes=3, count=240):
    """Column 0 tells the classes apart, column 1 a little, column 2 not at all."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, classes, count)
    table = rng.normal(size=(count, 3)) * [0.5, 2, 5] + targets[:, None] * [1.5, 1, 0] + 7
    return table, targets, rng.uniform(0.5, 2, count)


def halves(count=240):
    return [
        (np.arange(0, count, 2), np.arange(1, count, 2)),
        (np.arange(1, count, 2), np.arange(0, count, 2)),
    ]


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
    said = [rng.dirichlet(np.ones(3), len(held)) for _, held in folds]
    held = np.concatenate([held for _, held in folds])
    wanted = log_loss(targets[held], np.concatenate(said), sample_weight=share[held])
    assert held_out_loss(said, targets, share, folds) == pytest.approx(wanted)


def test_an_answer_of_zero_does_not_decide_alone():
    said = [np.array([[1.0, 0.0], [0.0, 1.0]])]
    folds = [(np.array([0, 1]), np.array([2, 3]))]
    found = held_out_loss(said, np.array([0, 1, 1, 1]), np.ones(4), folds)
    assert np.isfinite(found)
    assert found > 1


def test_the_columns_and_the_penalty_of_the_lowest_loss_are_taken():
    table, targets, share = make_table()
    found = choose_linear(table, targets, share, [(2,), (1,), (0,)], (1e-4, 1.0), halves())
    assert found.candidates == (2,)
    assert found.c == (1.0,)
    assert found.shares.tolist() == [1]
    assert found.losses[0] == pytest.approx(found.loss)


def test_all_candidates_count_the_more_the_lower_their_loss():
    table, targets, share = make_table()
    found = choose_linear(table, targets, share, [(2,), (1,), (0,)], (1.0,), halves(), 5.0)
    assert found.candidates == (0, 1, 2)
    weights = np.exp(-5.0 * np.array(found.losses))
    np.testing.assert_allclose(found.shares, weights / weights.sum())
    assert found.shares[2] > found.shares[1] > found.shares[0] > 0


@pytest.mark.parametrize(("temperature", "shares"), [(None, [1.0]), (5.0, [0.5, 0.5])])
def test_where_nothing_can_be_held_out_the_first_or_all_evenly_are_taken(temperature, shares):
    table, targets, share = make_table()
    found = choose_linear(table, targets, share, [(0,), (1,)], (0.1, 1.0), [], temperature)
    assert found.shares.tolist() == shares
    assert set(found.c) == {0.1}
    assert found.loss is None
