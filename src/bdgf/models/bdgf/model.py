"""BDGF, and the same three branches without diffusion guidance."""

from __future__ import annotations

import xarray as xr

from bdgf.models.bdgf.classifier import load_classifier
from bdgf.models.patch.fit import NetworkMaker, guided_classifier
from bdgf.models.patch.model import NetworkModel
from bdgf.models.patch.settings import TrainSettings


def _guided(
    prepared: xr.Dataset, train: TrainSettings, own: None
) -> tuple[TrainSettings, NetworkMaker]:
    return train, guided_classifier(train)


def _unguided(
    prepared: xr.Dataset, train: TrainSettings, own: None
) -> tuple[TrainSettings, NetworkMaker]:
    classifier = train.classifier.model_copy(update={"guides": {}})
    train = train.model_copy(update={"classifier": classifier})
    return train, guided_classifier(train)


BDGF = NetworkModel("bdgf", _guided, load_classifier)
BDGF_UNGUIDED = NetworkModel("bdgf_unguided", _unguided, load_classifier)
