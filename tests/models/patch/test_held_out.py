"""Blocks of labelled pixels that are held out."""

import numpy as np
import pytest

from bdgf.models.patch.held_out import HeldOutSettings, hold_out_blocks
from bdgf.models.patch.sampling import Pixels, class_weights
from bdgf.splits.block_folds import near

SHAPE, BUFFER = (60, 72), 3


def draw(count: int = 150, classes: int = 3) -> Pixels:
    rng = np.random.default_rng(0)
    flat = np.sort(rng.choice(SHAPE[0] * SHAPE[1], count, replace=False))
    rows, cols = np.unravel_index(flat, SHAPE)
    return Pixels(rows, cols, rng.integers(0, classes, count))


def deal(given=None, weighting="sqrt", seed=0, **changes):
    settings = HeldOutSettings(**({"block": 12} | changes))
    given = given or draw()
    return hold_out_blocks(given, SHAPE, settings, buffer=BUFFER, weighting=weighting, seed=seed)


def test_every_pixel_is_held_out_once_in_each_draw_and_its_surroundings_train_no_one():
    blocks = deal(repeats=2)
    assert len(blocks.folds) == 10
    assert sum(held.astype(int) for _, held in blocks.folds).tolist() == [2] * 150
    for train, held in blocks.folds:
        mask = np.zeros(SHAPE, bool)
        mask[blocks.pixels.rows[held], blocks.pixels.cols[held]] = True
        close = near(mask, BUFFER)[blocks.pixels.rows, blocks.pixels.cols]
        assert (train == ~close).all()


def test_the_same_seed_deals_the_same_and_another_does_not():
    first, second, other = deal(), deal(), deal(seed=1)
    same = [np.array_equal(a, b) for (_, a), (_, b) in zip(first.folds, second.folds, strict=True)]
    assert all(same)
    moved = [np.array_equal(a, b) for (_, a), (_, b) in zip(first.folds, other.folds, strict=True)]
    assert not all(moved)


def test_a_block_is_held_out_whole_and_told_by_one_number():
    blocks = deal()
    for number, (_, held) in zip(blocks.block, blocks.folds, strict=True):
        assert not set(number[held]) & set(number[~held])
        for one in set(number):
            of_block = number == one
            for place in (blocks.pixels.rows, blocks.pixels.cols):
                assert np.ptp(place[of_block]) < 12
    assert all((blocks.block[0] == other).all() for other in blocks.block)  # one grid


def test_a_fold_whose_training_pixels_are_of_one_class_is_left_out():
    """One block has both classes, another one of them: without the first, one class is left."""
    rng = np.random.default_rng(0)
    near_by, far = rng.integers(0, 6, (2, 40)), rng.integers(40, 46, (2, 20))
    rows, cols = np.concatenate([near_by, far], axis=1)
    targets = np.concatenate([np.arange(40) % 2, np.zeros(20, int)])
    for seed in range(5):
        blocks = deal(Pixels(rows, cols, targets), seed=seed, repeats=3)
        assert len(blocks.folds) == len(blocks.block) > 0
        assert all(len(np.unique(targets[train])) == 2 for train, _ in blocks.folds)


@pytest.mark.parametrize("weighting", ["none", "sqrt", "balanced"])
def test_thinned_pixels_stand_for_those_left_out(weighting):
    rng = np.random.default_rng(1)
    pixels = draw(900)
    pixels = Pixels(pixels.rows, pixels.cols, (rng.random(900) < 0.1).astype(int))
    blocks = deal(pixels, weighting, pixels=300)
    assert len(blocks.pixels) == 300
    counts = np.bincount(pixels.targets)
    assert np.bincount(blocks.pixels.targets)[1] == counts[1]  # the rare class is whole
    weights = class_weights(pixels.targets, 2, weighting)
    wanted = counts * (np.ones(2) if weights is None else weights)
    found = np.bincount(blocks.pixels.targets, weights=blocks.share)
    assert found / found.sum() == pytest.approx(wanted / wanted.sum(), rel=1e-5)


def test_folds_that_lose_a_class_can_be_left_out():
    pixels = draw()
    alone = Pixels(pixels.rows, pixels.cols, pixels.targets.copy())
    alone.targets[:] = np.where(np.arange(150) == 7, 2, pixels.targets % 2)  # one pixel of class 2
    blocks = deal(alone)
    whole = blocks.with_all_classes()
    assert 0 < len(whole) < len(blocks.folds)
    assert all(train[7] for train, _ in whole)


def test_where_all_pixels_are_neighbours_nothing_is_held_out():
    rows, cols = np.unravel_index(np.arange(9), (3, 3))
    assert deal(Pixels(rows, cols, np.arange(9) % 3)).folds == []
