"""Models that are scikit-learn estimators on pixel features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from bdgf.core.digests import check_digests
from bdgf.core.errors import artifact_errors
from bdgf.core.settings import Settings
from bdgf.core.whole_files import whole_artifact
from bdgf.features.prepared_window import fits_into_memory
from bdgf.models.base import Execution, PredictionSettings, SceneInputs
from bdgf.models.sklearn.feature_source import PixelFeatures, wanted_bands
from bdgf.models.sklearn.skops_file import dump_estimator
from bdgf.models.sklearn.training_pixels import (
    Estimator,
    training_pixels,
    training_pixels_of_windows,
)
from bdgf.scenes.scene import LABELS, class_table, valid_mask
from bdgf.training.devices import DeviceSettings


@dataclass(frozen=True)
class EstimatorModel:
    """A `Model` that is a scikit-learn estimator on pixel features.

    Attributes:
        name: The model's name.
        settings: Its settings.
        classifier: The estimator and what is done with it.
        fit_features: (prepared scene, settings) -> features, fitted without labels.
        restore_features: (what they stored, settings) -> the same features.
        patch_of: settings -> side in pixels of the window that features come from.
    """

    name: str
    settings: type[Settings]
    classifier: Estimator
    fit_features: Callable[[xr.Dataset, Any], PixelFeatures]
    restore_features: Callable[[Mapping[str, np.ndarray], Any], PixelFeatures]
    patch_of: Callable[[Any], int]

    def patch(self, train: Any, own: Any) -> int:
        """That of its features: see `Model.patch`."""
        return self.patch_of(own)

    def fit(
        self,
        inputs: SceneInputs,
        split: xr.DataArray,
        train: Any,
        own: Any,
        seed: int,
        execution: Execution | None = None,
    ) -> TrainedEstimator:
        """Trains it: see `Model.fit`."""
        features = self.fit_features(inputs.prepared, own)
        known = inputs.prepared[LABELS].to_numpy(), split.to_numpy(), own.use_validation
        devices = execution.devices if execution else None
        if fits_into_memory(inputs.prepared, inputs.cube, devices):
            table = training_pixels(features.table(inputs.prepared, inputs.cube), *known)
        else:
            table = training_pixels_of_windows(features, inputs.prepared, inputs.cube, *known)
        estimator = self.classifier.fit(table, own, seed)
        config = {
            "model": self.name,
            "seed": seed,
            "patch": features.patch,
            "parameters": self.classifier.size(estimator),
            "history": {},
            "classes": class_table(inputs.prepared).count,
            "training_pixels": len(table.labels),
            "baselines": {self.name: own.model_dump(mode="json")},
        }
        return TrainedEstimator(self, estimator, features, config)

    def load(self, path: Path) -> TrainedEstimator:
        """Reads what `TrainedEstimator.save` wrote.

        Raises:
            ArtifactError: The file is missing, damaged, or holds types that are not its own.
        """
        from skops.io import load

        with artifact_errors(str(path), "train again"):
            check_digests(self.companions(path))
            stored = load(path, trusted=list(self.classifier.trusted))
            self.classifier.check(stored["estimator"])
            config = dict(stored["config"])
            own = self.settings.model_validate(config["baselines"][self.name])
            features = self.restore_features(stored["features"], own)
            return TrainedEstimator(self, stored["estimator"], features, config)

    def companions(self, path: Path) -> list[Path]:
        """One file is all."""
        return [path]


@dataclass(frozen=True)
class TrainedEstimator:
    """A trained estimator with the features that it sees.

    Attributes:
        model: What it is.
        estimator: What was trained.
        features: The features.
        config: What made it.
    """

    reads_gaps: ClassVar[bool] = True
    model: EstimatorModel
    estimator: Any
    features: PixelFeatures
    config: dict[str, Any]

    def with_config(self, more: dict[str, Any]) -> TrainedEstimator:
        """The same with `more` in its configuration."""
        return replace(self, config={**self.config, **more})

    def predict_map(
        self,
        inputs: SceneInputs,
        settings: PredictionSettings | None = None,
        devices: DeviceSettings | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """(K, H, W) float32 class probabilities; all 0 on pixels that are invalid or not wanted."""
        valid, classifier = valid_mask(inputs.prepared), self.model.classifier
        own = self.model.settings.model_validate(self.config["baselines"][self.model.name])
        table = self.features.table(inputs.prepared, inputs.cube)
        probabilities = np.zeros((self.config["classes"], *valid.shape), np.float32)
        at = classifier.classes(self.estimator) - 1
        wanted = valid if inputs.wanted is None else valid & inputs.wanted
        for band in wanted_bands(wanted):
            found = classifier.probabilities(self.estimator, table(band), own)
            of_classes = np.zeros((len(probabilities), len(found)), np.float32)
            of_classes[at] = found.T
            probabilities[:, band] = of_classes
            if progress is not None:
                progress(len(found))
        return probabilities

    def save(self, path: Path) -> None:
        """Writes one `.skops` file: a zip of arrays and a JSON schema, nothing that is executed.

        A pickle would run whatever code it holds when it is read; skops builds only the types that
        scikit-learn is known by and refuses the rest.
        """
        stored = {
            "estimator": self.estimator,
            "features": self.features.state(),
            "config": self.config,
        }
        with whole_artifact(path) as staged, staged.open("wb") as file:
            dump_estimator(stored, file)
