"""BDGF, and the same branches without guidance."""

import pytest

from bdgf.models.bdgf.model import BDGF, BDGF_UNGUIDED, guided_classifier
from bdgf.models.bdgf.settings import TrainSettings
from tests.models.patch.small_training import ARRAYS, CLASSES, make_settings


@pytest.mark.parametrize(("model", "levels"), [(BDGF, 2), (BDGF_UNGUIDED, 0)])
def test_only_the_guided_model_reads_features(model, levels):
    train, make = model.choose(None, make_settings(), None)
    network = make(ARRAYS, CLASSES)
    assert network.levels == levels
    assert network.settings == train.classifier


def test_nothing_but_the_guides_tells_the_two_apart():
    train = TrainSettings()
    guided, _ = BDGF.choose(None, train, None)
    unguided, _ = BDGF_UNGUIDED.choose(None, train, None)
    assert guided == train
    assert unguided != train
    restored = unguided.classifier.model_copy(update={"guides": train.classifier.guides})
    assert unguided.model_copy(update={"classifier": restored}) == train


def test_the_network_knows_the_statistics_of_the_features():
    network = guided_classifier(make_settings().classifier)(ARRAYS, CLASSES)
    for projection, mean in zip(network.projections, ARRAYS.feature_mean, strict=True):
        assert projection.mean.tolist() == mean.tolist()
