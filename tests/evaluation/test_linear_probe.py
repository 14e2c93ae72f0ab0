import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.evaluation.linear_probe import LinearProbeSettings, out_of_fold, probe_accuracy

CHOSEN = LinearProbeSettings(folds=4, repeats=2)


def pixels(blocks=12, each=10, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(blocks), each)
    targets = rng.integers(1, classes + 1, blocks * each)
    return rng, groups, targets


def test_features_that_tell_the_classes_apart_are_read():
    rng, groups, targets = pixels()
    features = np.eye(3)[targets - 1] + 0.05 * rng.standard_normal((len(targets), 3))
    assert probe_accuracy(features, targets, groups, CHOSEN) == pytest.approx((1, 1))


def test_noise_is_guessed_at():
    rng, groups, targets = pixels(blocks=60)
    features = rng.standard_normal((len(targets), 4))
    _, average = probe_accuracy(features, targets, groups, CHOSEN)
    assert average == pytest.approx(1 / 3, abs=0.1)


def test_no_pixel_is_predicted_from_its_own_group():
    # Only the group's number tells the class: of use to whoever saw the group.
    rng, groups, _ = pixels(blocks=24)
    targets = np.random.default_rng(3).permutation(np.arange(24) % 2 + 1)[groups]
    features = np.eye(24)[groups] + 0.01 * rng.standard_normal((len(groups), 24))
    _, average = probe_accuracy(features, targets, groups, CHOSEN)
    _, alone = probe_accuracy(features, targets, np.arange(len(groups)), CHOSEN)
    assert alone > 0.95
    assert average < 0.7


def test_scale_and_offset_of_a_feature_do_not_matter():
    rng, groups, targets = pixels()
    features = rng.standard_normal((len(targets), 3)) + np.eye(3)[targets - 1]
    moved = features * [1000, 0.01, 1] + [5, 0, -70]
    one, other = (out_of_fold(f, targets, groups, CHOSEN, seed=1) for f in (features, moved))
    assert np.array_equal(one, other)


def test_a_fold_that_knows_one_class_predicts_it():
    groups = np.repeat([0, 1], 5)
    targets = np.repeat([1, 2], 5)
    predicted = out_of_fold(np.ones((10, 2)), targets, groups, CHOSEN, seed=0)
    assert predicted.tolist() == [2] * 5 + [1] * 5


def test_one_block_is_told():
    with pytest.raises(SceneError, match=r"one block of 16 px.*balance\.probe\.block"):
        probe_accuracy(np.ones((4, 2)), np.array([1, 1, 2, 2]), np.zeros(4, int), CHOSEN)
