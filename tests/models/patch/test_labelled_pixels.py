"""Which labels a training may see."""

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.splits.split import TEST
from tests.models.patch.small_training import LABELS, SPLIT, VALID, fit, same


def test_test_labels_change_nothing():
    spoilt = LABELS.copy()
    spoilt[SPLIT == TEST] = np.random.default_rng(9).integers(0, 200, (SPLIT == TEST).sum())
    spoilt[SPLIT == 0] = 77
    assert same(fit(), fit(labels=spoilt))


def test_invalid_pixels_are_neither_trained_on_nor_validated():
    valid = VALID.copy()
    valid[:, :10] = False
    spoilt = LABELS.copy()
    spoilt[~valid] = 1
    assert same(fit(valid=valid), fit(valid=valid, labels=spoilt))


def test_a_class_without_training_pixels_is_refused():
    split = np.where(LABELS == 3, TEST, SPLIT)
    with pytest.raises(SceneError, match="no valid training pixel of class 3"):
        fit(split=split)
    labels = np.where(LABELS == 3, 6, LABELS).astype(np.uint8)
    with pytest.raises(SceneError, match="the labels hold class 6 but the scene lists 4 classes"):
        fit(labels=labels)
    with pytest.raises(SceneError, match="the labels are"):
        fit(labels=LABELS[:-1])
