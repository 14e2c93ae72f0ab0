"""Thresholds of prediction sets: what they promise of pixels like the held-out ones."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.models.patch.conformal import PERCENTS, calibrate, set_thresholds
from bdgf.models.patch.decision import Answers

COVERAGES = np.array(PERCENTS) / 100
CLASSES = 4


def blocks_of_pixels(rng, blocks, pixels):
    """Probabilities and classes of pixels; those of a block are alike, some blocks are hard."""
    hardness = rng.normal(0, 1.5, blocks).repeat(pixels)
    targets = rng.integers(0, CLASSES, blocks).repeat(pixels)
    logits = rng.normal(0, 1, (len(targets), CLASSES))
    logits[np.arange(len(targets)), targets] += 1.5 + hardness
    said = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return said, targets, np.arange(blocks).repeat(pixels)


def right(said, targets):
    return said[np.arange(len(targets)), targets]


@given(n=st.integers(1, 300), seed=st.integers(0, 99), percent=st.sampled_from(list(PERCENTS)))
@settings(max_examples=100, deadline=None)
def test_of_single_pixels_it_is_the_textbooks_quantile(n, seed, percent):
    found = right(*blocks_of_pixels(np.random.default_rng(seed), n, 1)[:2])
    (threshold,) = set_thresholds(found, np.ones(n), n, np.array([percent / 100]))
    rank = -(-(n + 1) * percent // 100)  # of the score 1 - p, upwards
    expected = 1 - np.sort(1 - found)[rank - 1] if rank <= n else 0.0
    assert threshold == pytest.approx(expected, abs=1e-12)


def test_new_blocks_are_covered_as_stated():
    rng, repeats, percents = np.random.default_rng(0), 400, (60, 80, 90)
    covered = np.zeros((repeats, len(percents)))
    for repeat in range(repeats):
        said, targets, _ = blocks_of_pixels(rng, 20, 5)
        shares = np.ones(len(targets))
        thresholds = set_thresholds(right(said, targets), shares, 20, np.array(percents) / 100)
        new, truth, _ = blocks_of_pixels(rng, 20, 5)
        covered[repeat] = (right(new, truth)[:, None] >= thresholds).mean(0)
    for percent, of_repeats in zip(percents, covered.T, strict=True):
        error = 3 * of_repeats.std() / math.sqrt(repeats)
        coverage = percent / 100
        assert coverage - error <= of_repeats.mean() <= coverage + 2 / 21 + error


def test_pixels_taken_for_independent_would_promise_too_much():
    rng, gaps = np.random.default_rng(1), []
    for _ in range(300):
        said, targets, _ = blocks_of_pixels(rng, 5, 40)
        found, ones = right(said, targets), np.ones(len(targets))
        new, truth, _ = blocks_of_pixels(rng, 20, 40)
        by_block, by_pixel = (
            (right(new, truth) >= set_thresholds(found, ones, n, np.array([0.8]))).mean()
            for n in (5, len(found))
        )
        gaps.append((by_block - 0.8, by_pixel - 0.8))
    by_block, by_pixel = np.mean(gaps, axis=0)
    assert by_pixel < -0.01 < by_block


@given(seed=st.integers(0, 99), blocks=st.integers(1, 60), pixels=st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_more_coverage_never_asks_for_more_probability(seed, blocks, pixels):
    rng = np.random.default_rng(seed)
    said, targets, _ = blocks_of_pixels(rng, blocks, pixels)
    found = set_thresholds(right(said, targets), rng.random(len(said)) + 0.1, blocks, COVERAGES)
    assert (np.diff(found) <= 0).all()
    possible = blocks / (blocks + 1) + 1e-9 >= COVERAGES
    np.testing.assert_array_equal(found > 0, possible)


def test_a_pixel_of_twice_the_share_counts_as_two():
    said, targets, _ = blocks_of_pixels(np.random.default_rng(3), 30, 4)
    found, share = right(said, targets), np.tile([1.0, 2.0], 60)
    double = np.repeat(found, share.astype(int))
    np.testing.assert_array_equal(
        set_thresholds(found, share, 30, COVERAGES),
        set_thresholds(double, np.ones(len(double)), 30, COVERAGES),
    )


def answers(blocks=12, pixels=6, seed=0):
    said, targets, block = blocks_of_pixels(np.random.default_rng(seed), blocks, pixels)
    ones = np.ones(len(targets))
    return Answers({"cnn": said}, targets, ones, 7 * block, ones)


def test_no_block_is_judged_by_a_decision_that_it_had_a_part_in():
    given_answers, judged = answers(), []

    def decide(known):
        def of(asked):
            assert not np.isin(asked.block, known.block).any()
            judged.append(asked.block)
            return asked.said["cnn"]

        return of

    found = calibrate(given_answers, decide, np.ones(CLASSES))
    np.testing.assert_array_equal(np.sort(np.concatenate(judged)), np.sort(given_answers.block))
    assert (found["pixels"], found["blocks"]) == (72, 12)
    expected = set_thresholds(
        right(given_answers.said["cnn"], given_answers.targets), np.ones(72), 12, COVERAGES
    )
    assert list(found["thresholds"].values()) == expected.tolist()
    assert found["thresholds"]["90"] > 0
    assert found["thresholds"]["93"] == 0  # of 13 blocks at least


def test_one_block_is_judged_by_a_decision_without_evidence():
    known = []
    calibrate(answers(blocks=1), lambda a: known.append(a) or (lambda b: b.said["cnn"]), np.ones(4))
    assert known == [None]


def test_without_held_out_pixels_sets_hold_every_class():
    found = calibrate(None, lambda known: pytest.fail("nothing to decide on"), np.ones(4))
    assert (found["pixels"], found["blocks"]) == (0, 0)
    assert set(found["thresholds"].values()) == {0.0}


def test_classes_that_are_expected_more_often_count_for_more():
    given_answers = answers(blocks=60)
    of_right = np.where(given_answers.targets == 0, 0.25, 0.9)  # one class is hard
    given_answers.said["cnn"][np.arange(len(of_right)), given_answers.targets] = of_right
    rare, common = (
        calibrate(given_answers, lambda _: lambda asked: asked.said["cnn"], np.array(ratio))
        for ratio in ([0.01, 1.0, 1.0, 1.0], [10.0, 1.0, 1.0, 1.0])
    )
    assert (common["thresholds"]["80"], rare["thresholds"]["80"]) == (0.25, 0.9)
