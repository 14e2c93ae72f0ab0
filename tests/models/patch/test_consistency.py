"""Consistency on pixels without labels, in whole trainings."""

import numpy as np
import pytest

from bdgf.models.bdgf.classical.branch import ClassicalSettings
from bdgf.models.patch.mutual_learning import ConsistencySettings, MutualLearningSettings
from bdgf.models.patch.selection import SelectionSettings
from bdgf.raster.patches import SceneTensors
from bdgf.splits.parts import TEST
from bdgf.training.metric_logger import MemoryLogger
from tests.models.patch.small_training import (
    ARRAYS,
    CLASSICAL,
    SIZE,
    SPLIT,
    fit,
    make_settings,
    same,
)


@pytest.mark.slow
def test_consistency_begins_at_its_epoch_and_needs_more_than_one_branch():
    def curve(**changes) -> list[int]:
        logger = MemoryLogger()
        fit(make_settings(selection=SelectionSettings(rule="last"), **changes), logger=logger)
        return [step for step, r in logger.records if "train/loss_consistency" in r]

    only = {"branches": ("cnn",), "classical": ClassicalSettings(use=False)}
    single = make_settings().classifier.model_copy(update=only)
    with_classical = single.model_copy(update={"classical": CLASSICAL})
    assert curve() == [6]  # the second of two epochs of three batches
    assert curve(classifier=single) == []
    assert curve(classifier=with_classical) == [6]  # the classical branch teaches it
    off = MutualLearningSettings(consistency=ConsistencySettings(weight=0.0))
    assert curve(mutual_learning=off) == []


@pytest.mark.slow
def test_consistency_changes_the_weights_by_pixels_without_labels():
    untaught = MutualLearningSettings(consistency=ConsistencySettings(weight=0.0))
    assert not same(fit(), fit(make_settings(mutual_learning=untaught)))
    # Pixels that neither train nor validate, and lie in no patch of those that do.
    split = np.where(np.arange(SIZE) < 16, SPLIT, TEST)
    unseen = ARRAYS.channels.clone()
    unseen[:, :, 20:] += 1
    moved = SceneTensors(
        unseen, ARRAYS.modalities, ARRAYS.features, ARRAYS.feature_mean, ARRAYS.feature_std
    )
    for mutual, alike in ((untaught, True), (make_settings().mutual_learning, False)):
        one, other = (
            fit(make_settings(mutual_learning=mutual), arrays=a, split=split)
            for a in (ARRAYS, moved)
        )
        assert same(one, other) == alike
