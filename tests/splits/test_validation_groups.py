"""Which training pixels validate: whole groups of them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.splits.validation_groups import (
    ValidationSettings,
    carve_validation,
    grid_blocks,
    spatial_groups,
)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 200),
    groups=st.sampled_from(["components", "blocks", "pixels"]),
    min_groups=st.integers(2, 6),
)
def test_spatial_groups_are_whole_and_of_one_class(seed, groups, min_groups):
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random((18, 18)) < 0.1, rng.integers(1, 4, (18, 18)), 0)
    wanted = ValidationSettings(groups=groups, min_groups=min_groups, block=6)
    found = spatial_groups(labels, wanted)
    assert ((found == -1) == (labels == 0)).all()
    used = np.unique(found[found >= 0])
    assert used.tolist() == list(range(len(used)))
    for group in used:
        assert len(np.unique(labels[found == group])) == 1
    for class_id in np.unique(labels[labels > 0]):
        of_class = labels == class_id
        count = len(np.unique(found[of_class]))
        assert count >= min(min_groups, of_class.sum())  # else it falls back, to pixels at last
        if groups == "components" and count < of_class.sum():  # near ones stand together or in
            rows, cols = np.nonzero(of_class)  # blocks, of which neighbours may be two
            near = np.maximum(abs(rows[:, None] - rows), abs(cols[:, None] - cols)) <= 1
            same = found[of_class][:, None] == found[of_class]
            blocks = grid_blocks(labels.shape, 6)[of_class]
            assert (same | ~near | (blocks[:, None] != blocks)).all()


def plots(side=4, gap=6, count=5):
    """Training plots of one class, well apart, in a row."""
    labels = np.zeros((side, count * (side + gap)), int)
    for i in range(count):
        labels[:, i * (side + gap) : i * (side + gap) + side] = 1
    return labels


@given(seed=st.integers(0, 100))
def test_validation_holds_out_whole_plots(seed):
    labels = plots()
    held = carve_validation(labels, ValidationSettings(), np.random.default_rng(seed))
    for i in range(5):
        plot = held[:, i * 10 : i * 10 + 4]
        assert plot.all() or not plot.any()
    assert held.sum() == 16


@given(seed=st.integers(0, 100))
def test_validation_holds_out_whole_blocks(seed):
    labels = np.ones((20, 20), int)
    chosen = ValidationSettings(groups="blocks", block=5, fraction=0.25)
    held = carve_validation(labels, chosen, np.random.default_rng(seed))
    blocks = grid_blocks(labels.shape, 5)
    assert held.sum() == 100
    assert all(held[blocks == b].all() or not held[blocks == b].any() for b in range(16))


def test_one_large_plot_falls_back_to_blocks_and_a_small_one_to_pixels():
    large = np.ones((20, 20), int)
    chosen = ValidationSettings(block=5)
    held = carve_validation(large, chosen, np.random.default_rng(0))
    blocks = grid_blocks(large.shape, 5)
    assert all(held[blocks == b].all() or not held[blocks == b].any() for b in range(16))
    small = np.ones((2, 2), int)
    assert carve_validation(small, chosen, np.random.default_rng(0)).sum() == 1


@given(
    seed=st.integers(0, 1000),
    pixels=st.integers(1, 12),
    fraction=st.floats(0.01, 0.99),
    groups=st.sampled_from(["components", "blocks", "pixels"]),
)
def test_few_pixels_still_train_and_validate(seed, pixels, fraction, groups):
    rng = np.random.default_rng(seed)
    labels = np.zeros(100, int)
    labels[rng.choice(100, pixels, replace=False)] = 1
    labels = labels.reshape(10, 10)
    chosen = ValidationSettings(fraction=fraction, groups=groups, block=3, reach=0)
    held = carve_validation(labels, chosen, rng)
    assert not held[labels == 0].any()
    assert held.sum() == 0 if pixels == 1 else 1 <= held.sum() < pixels


def test_no_validation_when_the_fraction_is_zero():
    held = carve_validation(plots(), ValidationSettings(fraction=0.0), np.random.default_rng(0))
    assert not held.any()
