"""Which labelled pixels a training draws, and what each counts."""

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.models.patch.augmentation import AugmentationSettings
from bdgf.models.patch.sampling import (
    Pixels,
    check_classes,
    class_weights,
    draw_samples,
    select_pixels,
    shuffled_passes,
    thin_classes,
    thin_pixels,
)


def test_class_weights_have_mean_one_over_the_pixels():
    targets = np.array([0] * 9 + [1])
    assert class_weights(targets, 2, "none") is None
    balanced = class_weights(targets, 2, "balanced")
    root = class_weights(targets, 2, "sqrt")
    assert balanced[1] / balanced[0] == pytest.approx(9)
    assert root[1] / root[0] == pytest.approx(3)
    for weights in (balanced, root):
        assert weights[targets].mean() == pytest.approx(1)


def test_the_order_passes_over_all_pixels():
    order = shuffled_passes(7, 20, np.random.default_rng(0))
    assert sorted(order[:7]) == sorted(order[7:14]) == list(range(7))
    assert len(order) == 20


def test_pixels_are_selected_and_thinned_in_order():
    labels = np.array([[0, 2], [1, 3]], np.uint8)
    pixels = select_pixels(labels, np.array([[True, True], [False, True]]))
    assert pixels.rows.tolist() == [0, 1]
    assert pixels.targets.tolist() == [1, 2]
    many = select_pixels(np.ones((20, 20), np.uint8), np.ones((20, 20), bool))
    thinned = thin_pixels(many, 30, np.random.default_rng(0))
    assert len(thinned) == 30
    assert (np.diff(thinned.rows * 20 + thinned.cols) > 0).all()


@pytest.mark.parametrize(
    ("most", "left"), [(100, [40, 5, 30]), (20, [8, 5, 7]), (75, [40, 5, 30]), (2, [1, 1, 1])]
)
def test_thinning_keeps_rare_classes_whole(most, left):
    targets = np.repeat([0, 1, 2], [40, 5, 30])
    pixels = Pixels(np.arange(75), np.arange(75), targets)
    thinned = thin_classes(pixels, most, np.random.default_rng(0))
    counts = np.bincount(thinned.targets)
    assert (np.abs(counts - left) <= 1).all()
    assert len(thinned) <= max(most, 3)
    assert (np.diff(thinned.rows) > 0).all()


def test_drawn_samples_pass_over_all_pixels_with_their_own_labels():
    pixels = Pixels(np.arange(7), np.arange(7) + 10, np.arange(7) % 3)
    drawn = draw_samples(pixels, 14, 2, AugmentationSettings(), seed=0)
    assert sorted(drawn.rows[:7].tolist()) == sorted(drawn.rows[7:].tolist()) == list(range(7))
    assert (drawn.cols == drawn.rows + 10).all()
    assert (drawn.targets == drawn.rows % 3).all()
    assert drawn.keep.shape == (14, 2)
    second = drawn.batch(1, 4)
    assert second.rows.tolist() == drawn.rows[4:8].tolist()
    assert second.symmetry.tolist() == drawn.symmetry[4:8].tolist()


def test_seed_and_streams_decide_the_samples():
    pixels = Pixels(*np.zeros((2, 50), int), np.arange(50) % 3)

    def drawn(seed=0, streams=(0, 1)):
        found = draw_samples(pixels, 100, 2, AugmentationSettings(), seed, streams)
        return found.targets.tolist(), found.symmetry.tolist()

    assert drawn() == drawn()
    assert drawn(seed=1) != drawn()
    order, turns = drawn(streams=(3, 1))
    assert order != drawn()[0]
    assert turns == drawn()[1]


def test_each_class_needs_a_pixel_and_each_pixel_a_class_of_the_scene():
    pixels = Pixels(*np.zeros((2, 3), int), np.array([0, 2, 2]))
    check_classes(Pixels(*np.zeros((2, 3), int), np.array([0, 1, 2])), 3)
    with pytest.raises(SceneError, match="no valid training pixel of class 2, 4 in the split"):
        check_classes(pixels, 4)
    with pytest.raises(SceneError, match="hold class 3 but the scene lists 2 classes"):
        check_classes(pixels, 2)
