"""Weights of members by held-out blocks."""

import numpy as np
import pytest
from scipy.optimize import minimize

from bdgf.models.patch.stacking import (
    LEAST_PROBABILITY,
    cross_entropy,
    of_right_class,
    stack,
    standard_error,
)

EVEN = np.full(3, 1 / 3)


def members(count=400, good=0.9, others=(0.5, 0.4), spread=0.1, seed=0):
    """(n, 3) probabilities of the right class: of a good member and of two that are worse."""
    rng = np.random.default_rng(seed)
    levels = np.array([good, *others])
    return np.clip(levels + spread * rng.normal(size=(count, 3)), 0.02, 0.99)


def test_a_member_that_is_plainly_better_wins_with_enough_blocks():
    assert stack(members(), np.ones(400), 60, EVEN, 4.0)[0] > 0.9


def test_with_few_blocks_weights_stay_near_even_ones_and_move_with_their_number():
    found = [stack(members(), np.ones(400), blocks, EVEN, 4.0)[0] for blocks in (1, 4, 20, 100)]
    assert abs(found[0] - 1 / 3) < 0.15
    assert found == sorted(found)
    assert found[-1] > found[0] + 0.4


def test_more_pixels_of_the_same_blocks_say_no_more():
    right = members(100)
    once = stack(right, np.ones(100), 10, EVEN, 4.0)
    often = stack(np.tile(right, (9, 1)), np.ones(900), 10, EVEN, 4.0)
    assert once == pytest.approx(often, abs=1e-6)


def test_noise_is_weighed_out_though_it_is_right_at_times():
    rng = np.random.default_rng(1)
    noise = rng.dirichlet(np.ones(4), 400)[:, 0]
    right = np.stack([np.clip(rng.normal(0.7, 0.2, 400), 0.05, 0.99), noise], axis=1)
    assert stack(right, np.ones(400), 80, np.full(2, 0.5), 4.0)[1] < 0.08


def test_members_that_are_right_in_turn_share():
    right = np.where(np.arange(400)[:, None] % 2 == np.arange(2), 0.9, 0.2)
    assert stack(right, np.ones(400), 50, np.full(2, 0.5), 4.0) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 0, 2]])
def test_members_in_another_order_have_the_same_weights(order):
    right, prior = members(), np.array([0.5, 0.3, 0.2])
    found = stack(right, np.ones(400), 20, prior, 4.0)
    turned = stack(right[:, order], np.ones(400), 20, prior[order], 4.0)
    assert turned == pytest.approx(found[order], abs=1e-7)


@pytest.mark.parametrize("blocks", [3, 30])
def test_it_is_the_minimum_that_a_general_optimiser_finds(blocks):
    rng = np.random.default_rng(2)
    right, share = rng.uniform(0.05, 1, (200, 3)), rng.uniform(0.5, 2, 200)
    prior, strength = np.array([0.6, 0.3, 0.1]), 4.0

    def loss(logits):
        weights = np.exp(logits) / np.exp(logits).sum()
        return cross_entropy(right @ weights, share) - strength / blocks * prior @ np.log(weights)

    best = minimize(loss, np.zeros(3), tol=1e-12).fun
    found = stack(right, share, blocks, prior, strength)
    assert found.sum() == pytest.approx(1)
    assert loss(np.log(found)) == pytest.approx(best, abs=1e-7)


def test_weights_of_pixels_count():
    right = np.array([[0.9, 0.1], [0.1, 0.9]])
    found = stack(right, np.array([3.0, 1.0]), 50, np.full(2, 0.5), 1.0)
    assert found[0] > 0.7


def test_without_pixels_the_prior_stands():
    prior = np.array([0.7, 0.3])
    assert stack(np.zeros((0, 2)), np.zeros(0), 0, prior, 4.0).tolist() == prior.tolist()


def test_one_mistake_decides_nothing():
    assert cross_entropy(np.array([0.0]), np.ones(1)) == pytest.approx(-np.log(LEAST_PROBABILITY))
    right = np.concatenate([np.full((99, 2), [0.9, 0.5]), [[0.0, 0.5]]])
    assert stack(right, np.ones(100), 50, np.full(2, 0.5), 4.0)[0] > 0.8


def test_the_right_class_is_picked_pixel_by_pixel():
    said = np.array([[0.7, 0.3], [0.4, 0.6]])
    assert of_right_class(said, np.array([1, 1])).tolist() == [0.3, 0.6]


def test_the_standard_error_of_single_pixels_is_that_of_their_mean():
    losses = np.random.default_rng(0).normal(size=9)
    wanted = losses.std(ddof=1) / 3
    assert standard_error(losses, np.full(9, 2.0), np.arange(9)) == pytest.approx(wanted)


def test_pixels_that_are_alike_add_no_evidence():
    rng = np.random.default_rng(1)
    losses, block = rng.normal(size=6), np.array([7, 3, 9, 1, 4, 2])
    once = standard_error(losses, np.ones(6), block)
    five_times = standard_error(np.repeat(losses, 5), np.ones(30), np.repeat(block, 5))
    assert five_times == pytest.approx(once)
    assert standard_error(np.repeat(losses, 5), np.ones(30), np.arange(30)) < once / 2


def test_the_standard_error_covers_the_mean_of_correlated_pixels():
    rng, hits = np.random.default_rng(2), 0
    for _ in range(400):
        block = np.repeat(np.arange(20), rng.integers(1, 9, 20))
        losses = rng.normal(size=20)[block] + 0.5 * rng.normal(size=len(block))
        hits += abs(losses.mean()) < 2.1 * standard_error(losses, np.ones(len(block)), block)
    assert 0.9 < hits / 400 < 0.98


def test_a_single_block_cannot_tell():
    assert standard_error(np.arange(3.0), np.ones(3), np.zeros(3)) == 0
