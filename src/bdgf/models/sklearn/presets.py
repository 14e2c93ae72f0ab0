"""Random forests and SVMs on the pixel's channels, on its window, or on diffusion features."""

from __future__ import annotations

from collections.abc import Callable

from bdgf.core.settings import Settings
from bdgf.models.sklearn.diffusion_features import ChannelsAndDiffusion
from bdgf.models.sklearn.estimator import EstimatorModel
from bdgf.models.sklearn.feature_source import PixelFeatures
from bdgf.models.sklearn.pixel_features import ChannelsAndWindow, StackedChannels
from bdgf.models.sklearn.random_forest import (
    FOREST,
    RandomForestSettings,
    RandomForestWindowsSettings,
)
from bdgf.models.sklearn.svm import RBF_SVM, SvmSettings, SvmWindowsSettings
from bdgf.models.sklearn.training_pixels import Estimator


def _on_pixel(
    name: str,
    settings: type[Settings],
    classifier: Estimator,
    features: Callable[[bool], PixelFeatures],
) -> EstimatorModel:
    return EstimatorModel(
        name,
        settings,
        classifier,
        fit_features=lambda prepared, own: features(own.averages),
        restore_features=lambda state, own: features(own.averages),
        patch_of=lambda own: features(own.averages).patch,
    )


def _on_window(name: str, settings: type[Settings], classifier: Estimator) -> EstimatorModel:
    return EstimatorModel(
        name,
        settings,
        classifier,
        fit_features=ChannelsAndWindow.fit,
        restore_features=lambda state, own: ChannelsAndWindow(own, dict(state)),
        patch_of=lambda own: int(own.window),
    )


RANDOM_FOREST = _on_pixel("random_forest", RandomForestSettings, FOREST, StackedChannels)
RANDOM_FOREST_FEATURES = _on_pixel(
    "random_forest_features", RandomForestSettings, FOREST, ChannelsAndDiffusion
)
RANDOM_FOREST_WINDOWS = _on_window("random_forest_windows", RandomForestWindowsSettings, FOREST)
SVM = _on_pixel("svm", SvmSettings, RBF_SVM, StackedChannels)
SVM_WINDOWS = _on_window("svm_windows", SvmWindowsSettings, RBF_SVM)
