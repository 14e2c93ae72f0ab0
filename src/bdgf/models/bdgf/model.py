"""BDGF, and the same three branches without diffusion guidance."""

from __future__ import annotations

import xarray as xr

from bdgf.models.bdgf.classifier import Classifier, load_classifier
from bdgf.models.bdgf.settings import ClassifierSettings, TrainSettings
from bdgf.models.patch.model import NetworkModel
from bdgf.models.patch.training import NetworkMaker
from bdgf.raster.patches import SceneTensors


def guided_classifier(settings: ClassifierSettings) -> NetworkMaker:
    """Makes the classifier of `settings`, guided by the arrays' diffusion features."""

    def make(arrays: SceneTensors, classes: int) -> Classifier:
        classifier = Classifier(
            *(settings, arrays.modality_channels, arrays.level_channels, classes, arrays.averages)
        )
        classifier.set_feature_moments(arrays.feature_mean, arrays.feature_std)
        return classifier

    return make


def _guided(
    prepared: xr.Dataset, train: TrainSettings, own: None
) -> tuple[TrainSettings, NetworkMaker]:
    return train, guided_classifier(train.classifier)


def _unguided(
    prepared: xr.Dataset, train: TrainSettings, own: None
) -> tuple[TrainSettings, NetworkMaker]:
    classifier = train.classifier.model_copy(update={"guides": {}})
    train = train.model_copy(update={"classifier": classifier})
    return train, guided_classifier(train.classifier)


BDGF = NetworkModel("bdgf", _guided, load_classifier, choose_unguided=_unguided)
BDGF_UNGUIDED = NetworkModel("bdgf_unguided", _unguided, load_classifier)
