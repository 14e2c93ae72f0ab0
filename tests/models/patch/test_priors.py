"""Shares of the classes, expected and estimated."""

import numpy as np
import pytest

from bdgf.models.patch.priors import estimated_shares, moved, training_shares


def posteriors(shares, present, count=6000):
    """What is said of pixels drawn with `shares`, by a model that expects `present`."""
    rng = np.random.default_rng(0)
    truth = rng.choice(len(shares), count, p=shares)
    seen = rng.normal(size=count) + 1.5 * truth
    density = np.exp(-0.5 * (seen[:, None] - 1.5 * np.arange(len(shares))) ** 2)
    said = density * present
    return said / said.sum(1, keepdims=True), truth


def test_a_shifted_prior_is_recovered():
    shares, present = np.array([0.7, 0.2, 0.1]), np.full(3, 1 / 3)
    said, _ = posteriors(shares, present)
    assert estimated_shares(said, present) == pytest.approx(shares, abs=0.03)


def test_no_shift_stays_none():
    shares = np.array([0.5, 0.3, 0.2])
    said, _ = posteriors(shares, shares)
    assert estimated_shares(said, shares) == pytest.approx(shares, abs=0.03)


def test_moved_probabilities_are_right_more_often_where_the_shares_are():
    shares, present = np.array([0.85, 0.1, 0.05]), np.full(3, 1 / 3)
    said, truth = posteriors(shares, present)
    better = moved(said, shares / present)
    assert better.sum(1) == pytest.approx(1)
    assert (better.argmax(1) == truth).mean() > (said.argmax(1) == truth).mean() + 0.02


def test_a_class_that_is_never_said_keeps_a_little():
    said = np.tile([1.0, 0.0], (50, 1))
    found = estimated_shares(said, np.array([0.5, 0.5]))
    assert 0 < found[1] < 0.05


@pytest.mark.parametrize(
    ("weights", "wanted"), [(None, [0.75, 0.25]), (np.array([1.0, 3.0]), [0.5, 0.5])]
)
def test_shares_of_a_training_are_those_of_its_loss(weights, wanted):
    assert training_shares(np.array([0, 0, 0, 1]), weights, 2) == pytest.approx(wanted)
    assert training_shares(np.array([0]), None, 3).tolist() == [1, 0, 0]
