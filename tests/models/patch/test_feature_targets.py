"""Diffusion features that branches learn from: what they are, and what a training makes of them."""

import numpy as np
import pytest
import torch

from bdgf.models.base import reads_features
from bdgf.models.patch.feature_targets import FeatureTargets, mixup_features
from bdgf.models.patch.mutual_learning import MutualLearningSettings
from bdgf.models.patch.selection import SelectionSettings
from bdgf.raster.patches import SceneTensors, level_valid
from bdgf.splits.parts import TEST
from bdgf.training.metric_logger import MemoryLogger
from tests.models.patch.small_training import (
    ARRAYS,
    SIZE,
    SPLIT,
    VALID,
    fit,
    make_settings,
    same,
)


def targets(arrays: SceneTensors = ARRAYS) -> FeatureTargets:
    return FeatureTargets(arrays, level_valid(torch.from_numpy(VALID), len(arrays.features)))


def test_they_are_the_standardised_features_at_the_pixel() -> None:
    rows, cols = torch.tensor([0, 5, 31]), torch.tensor([3, 30, 31])
    finest, coarse = targets().at(rows, cols)
    features, mean, std = ARRAYS.features[0], ARRAYS.feature_mean[0], ARRAYS.feature_std[0]
    wanted = (features[:, rows, cols].float().T - mean) / std
    torch.testing.assert_close(finest, wanted)
    # A corner of the scene has no cell but its own around it.
    own = (ARRAYS.features[1][:, -1, -1].float() - ARRAYS.feature_mean[1]) / ARRAYS.feature_std[1]
    torch.testing.assert_close(coarse[2], own)


def test_wild_cells_are_limited_and_constant_channels_say_nothing() -> None:
    features = tuple(level.clone() for level in ARRAYS.features)
    features[0][0, 2, 2] = 6e4
    spread = tuple(std.clone() for std in ARRAYS.feature_std)
    spread[0][1] = 0
    features[0][1] = ARRAYS.feature_mean[0][1].half()
    arrays = SceneTensors(ARRAYS.channels, ARRAYS.modalities, features, ARRAYS.feature_mean, spread)
    finest = targets(arrays).at(torch.tensor([2]), torch.tensor([2]))[0][0]
    assert finest[0] == 8
    assert abs(float(finest[1])) < 1e-2


def test_where_a_modality_is_missing_nothing_is_to_be_learnt() -> None:
    present = torch.ones(2, SIZE, SIZE, dtype=torch.bool)
    present[1, :8] = False
    arrays = SceneTensors(
        *(ARRAYS.channels, ARRAYS.modalities, ARRAYS.features),
        *(ARRAYS.feature_mean, ARRAYS.feature_std, present),
    )
    at = torch.tensor([3, 20]), torch.tensor([3, 20])
    for without, level in zip(targets(arrays).at(*at), targets().at(*at), strict=True):
        assert not without[0].any()
        torch.testing.assert_close(without[1], level[1])


def test_mixtures_have_the_mixtures_of_their_features() -> None:
    levels = [torch.randn(3, 4), torch.randn(3, 2)]
    partner, lam = torch.tensor([2, 0, 1]), torch.tensor([1.0, 0.75, 0.5])
    for level, mixed in zip(levels, mixup_features(levels, partner, lam), strict=True):
        own = lam[:, None]
        torch.testing.assert_close(mixed, own * level + (1 - own) * level[partner])


def _taught(weight: float, **changes):
    network = make_settings().classifier.model_copy(update={"guides": {}})
    mutual = make_settings().mutual_learning.model_copy(update={"features_weight": weight})
    chosen = {"classifier": network, "mutual_learning": mutual}
    return make_settings(selection=SelectionSettings(rule="last"), **{**chosen, **changes})


@pytest.mark.usefixtures("two_threads")
def test_branches_come_to_resemble_the_features_and_read_none() -> None:
    last = {}
    for weight in (0.001, 10.0):
        logger = MemoryLogger()
        settings = _taught(weight, epochs=4, batches_per_epoch=4, batch_size=40)
        found = fit(settings, logger=logger)
        assert not reads_features(found)
        last[weight] = logger.series("train/loss_features")[-1][1]
    assert last[10.0] < last[0.001] - 0.01


def test_without_features_or_weight_nothing_changes() -> None:
    plain = SceneTensors(ARRAYS.channels, ARRAYS.modalities)
    assert same(fit(_taught(1.0), arrays=plain), fit(_taught(0.0), arrays=plain))
    assert same(fit(_taught(0.0)), fit(_taught(0.0), arrays=plain))
    assert not same(fit(_taught(1.0)), fit(_taught(0.0)))


def test_pixels_without_labels_teach_too() -> None:
    moved = tuple(level.clone() for level in ARRAYS.features)
    labelled = np.zeros((SIZE, SIZE), bool)
    labelled[:16] = True
    moved[0][:, 24:] = -moved[0][:, 24:]
    arrays = SceneTensors(
        *(ARRAYS.channels, ARRAYS.modalities, moved, ARRAYS.feature_mean, ARRAYS.feature_std)
    )
    split = np.where(labelled, SPLIT, TEST)
    assert not same(fit(_taught(1.0), split=split), fit(_taught(1.0), arrays=arrays, split=split))
    mutual = MutualLearningSettings(features_weight=1.0)
    alone = mutual.model_copy(
        update={"consistency": mutual.consistency.model_copy(update={"weight": 0.0})}
    )
    untaught = _taught(1.0, mutual_learning=alone)
    assert same(fit(untaught, split=split), fit(untaught, arrays=arrays, split=split))
