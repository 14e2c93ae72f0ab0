"""Folds of whole blocks that keep their distance."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.splits.block_folds import block_folds, near

SHAPE = (48, 60)


def draw_classes(seed: int, count: int = 70) -> np.ndarray:
    rng = np.random.default_rng(seed)
    areas = np.kron(rng.integers(1, 4, (6, 6)), np.ones((8, 10), int))
    chosen = np.zeros(areas.size, bool)
    chosen[rng.choice(areas.size, count, replace=False)] = True
    return np.where(chosen.reshape(SHAPE), areas, 0)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    block=st.integers(4, 30),
    folds=st.integers(2, 6),
    buffer=st.integers(0, 6),
    count=st.integers(0, 80),
)
def test_folds_are_disjoint_and_keep_their_distance(seed, block, folds, buffer, count):
    classes = draw_classes(seed, count)
    times_held = np.zeros(SHAPE, int)
    for train, held, _ in block_folds(classes, folds, block, buffer, np.random.default_rng(seed)):
        assert train.any()
        assert held.any()
        assert (classes[train | held] != 0).all()
        apart = np.abs(np.argwhere(train)[:, None] - np.argwhere(held)[None]).max(-1)
        assert apart.min() > buffer
        assert set(classes[held]) <= set(classes[train])
        times_held += held
    assert times_held.max() <= 1


def test_without_a_buffer_all_that_is_not_held_out_trains():
    classes = draw_classes(0)
    for train, held, _ in block_folds(classes, 5, 12, 0, np.random.default_rng(0)):
        assert ((train | held) == (classes != 0)).all()


def test_blocks_are_held_out_whole():
    classes = np.ones(SHAPE, int)
    for _, held, _ in block_folds(classes, 4, 12, 0, np.random.default_rng(3)):
        changes = np.flatnonzero((held[:, 1:] != held[:, :-1]).any(0))
        assert (np.diff(changes) % 12 == 0).all()  # only where blocks of 12 columns meet


def test_fewer_pixels_of_every_class_make_fewer_folds():
    classes = np.zeros(SHAPE, int)
    classes[::12, ::12] = 1
    classes[classes != 0] = np.arange((classes != 0).sum()) % 7 + 1  # three of each, or two
    found = list(block_folds(classes, 5, 10, 2, np.random.default_rng(0)))
    assert 0 < len(found) <= 3


def test_one_block_makes_no_fold():
    classes = np.zeros(SHAPE, int)
    classes[20, 20:23] = [1, 2, 1]
    assert list(block_folds(classes, 5, 500, 2, np.random.default_rng(0))) == []


def test_near_is_the_square_around_a_pixel():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    wanted = np.zeros((9, 9), bool)
    wanted[2:7, 2:7] = True
    assert (near(mask, 2) == wanted).all()


def test_a_number_is_that_of_a_block_of_the_grid_that_was_dealt():
    classes = np.ones(SHAPE, int)
    for fold in block_folds(classes, 4, 12, 0, np.random.default_rng(3)):
        assert not set(fold.block[fold.held]) & set(fold.block[fold.train])
        for number in set(fold.block[fold.held]):
            rows, cols = np.nonzero(fold.block == number)
            assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(cols) + 1)  # a whole rectangle
            assert max(np.ptp(rows), np.ptp(cols)) < 12
