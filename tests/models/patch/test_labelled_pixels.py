"""Which labels a training may see."""

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.models.patch.labelled_pixels import labelled_pixels
from bdgf.models.patch.selection import SelectionSettings
from bdgf.splits.parts import TEST, TRAIN, VALIDATION
from tests.models.patch.small_training import (
    CLASSES,
    LABELS,
    SPLIT,
    VALID,
    decided_settings,
    fit,
    make_settings,
    same,
)


def test_test_labels_change_nothing():
    spoilt = LABELS.copy()
    spoilt[SPLIT == TEST] = np.random.default_rng(9).integers(0, 200, (SPLIT == TEST).sum())
    spoilt[SPLIT == 0] = 77
    settings = decided_settings()
    assert same(fit(settings), fit(settings, labels=spoilt))


def test_invalid_pixels_are_neither_trained_on_nor_validated():
    valid = VALID.copy()
    valid[:, :10] = False
    spoilt = LABELS.copy()
    spoilt[~valid] = 1
    settings = decided_settings()
    assert same(fit(settings, valid=valid), fit(settings, valid=valid, labels=spoilt))


def test_a_class_without_training_pixels_is_refused():
    split = np.where(LABELS == 3, TEST, SPLIT)
    with pytest.raises(SceneError, match="no valid training pixel of class 3"):
        fit(split=split)
    labels = np.where(LABELS == 3, 6, LABELS).astype(np.uint8)
    with pytest.raises(SceneError, match="the labels hold class 6 but the scene lists 4 classes"):
        fit(labels=labels)
    with pytest.raises(SceneError, match="the labels are"):
        fit(labels=LABELS[:-1])


def pick(split=SPLIT, valid=VALID, **changes):
    settings = make_settings(**changes)
    return labelled_pixels(LABELS.shape, LABELS, split, valid, CLASSES, settings, 0)


def test_parts_hold_their_pixels_and_together_both():
    found = pick(validation_pixels=10_000)
    for pixels, parts in (
        (found.train, [TRAIN]),
        (found.validation, [VALIDATION]),
        (found.together, [TRAIN, VALIDATION]),
    ):
        rows, cols = np.nonzero(np.isin(SPLIT, parts))
        np.testing.assert_array_equal(pixels.rows, rows)
        np.testing.assert_array_equal(pixels.cols, cols)
        np.testing.assert_array_equal(pixels.targets, LABELS[rows, cols].astype(int) - 1)
    assert len(found.nothing) == 0


def test_only_what_is_validated_on_is_thinned():
    found, whole = pick(validation_pixels=7), pick(validation_pixels=10_000)
    assert len(found.validation) == 7
    assert len(found.train) == len(whole.train)
    assert len(found.together) == len(whole.train) + len(whole.validation)


@pytest.mark.parametrize(("rule", "told"), [("best", True), ("last", False)])
def test_a_choice_of_the_epoch_that_cannot_be_is_told(rule, told, caplog):
    pick(np.where(SPLIT == VALIDATION, 0, SPLIT), selection=SelectionSettings(rule=rule))
    assert ("no validation pixel" in caplog.text) == told
