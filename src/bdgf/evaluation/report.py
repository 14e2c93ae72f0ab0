"""The metrics file: one dictionary with a map's accuracy and its leakage."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import xarray as xr
from pydantic import Field

from bdgf.core.errors import SceneError
from bdgf.core.settings import Settings
from bdgf.evaluation import metrics
from bdgf.evaluation.calibration import expected_calibration_error, reliability
from bdgf.evaluation.damage import DamageSettings
from bdgf.evaluation.leakage import leakage, leakage_text
from bdgf.evaluation.prediction_sets import SetRule, measure_sets
from bdgf.raster.windows import row_bands, rows_within
from bdgf.scenes.classes import ClassTable
from bdgf.splits.parts import TEST, split_totals

log = logging.getLogger(__name__)


class EvaluationSettings(Settings):
    """Settings of the evaluation, chosen by this project."""

    calibration_bins: int = Field(15, ge=1, description="Confidence bins of the calibration error.")
    leakage_warning: float = Field(
        0.01, ge=0, le=1, description="Share of leaking test pixels above which a warning is given."
    )
    damage: DamageSettings = Field(
        DamageSettings(), description="Maps with one modality spoilt, scored beside the map."
    )


def evaluate_predictions(
    probabilities: np.ndarray | xr.DataArray,
    labels: np.ndarray,
    split: xr.DataArray,
    classes: ClassTable,
    patch: int,
    seed: int,
    settings: EvaluationSettings | None = None,
    sets: SetRule | None = None,
) -> dict[str, Any]:
    """Measures predictions on the split's test pixels.

    Args:
        probabilities: (K, H, W) class probabilities of every pixel; of an array that is read
            lazily some rows are in memory at a time.
        labels: (H, W) class ids, 0 = unlabelled.
        split: The split, from `bdgf.splits.split.make_split`.
        classes: The class table.
        patch: Side of the classifier's patch in pixels; 1 for a pixel classifier.
        seed: Seed of the classifier's training.
        settings: Bins and thresholds.
        sets: Which classes a prediction set holds; None measures no sets.

    Returns:
        JSON-ready: overall_accuracy, average_accuracy, kappa, f1 (macro), calibration_error,
        leakage (all 0..1, kappa -1..1), per_class {name: precision, recall, f1, support},
        confusion_matrix (K x K lists, rows are the truth), reliability (see
        `bdgf.evaluation.calibration.reliability`), split {name, seed, train, validation,
        test}, patch, seed; `sets` (see `measure_sets`) if asked for.

    Raises:
        SceneError: There are no test pixels, or probabilities are not finite there.
    """
    settings = settings or EvaluationSettings()
    test = split.to_numpy() == TEST
    of_test = _at_pixels(probabilities, test)
    name = split.attrs.get("name", "")
    if not test.any():
        raise SceneError(f"the split '{name}' has no test pixels to score; choose another split")
    measured = measure(of_test, np.asarray(labels)[test], classes, settings, sets)
    leaking = leakage(split.to_numpy(), patch)
    if leaking > settings.leakage_warning:
        log.warning("%s", leakage_text(name, leaking, patch))
    return {
        **measured,
        "leakage": leaking,
        "split": {"name": name, "seed": int(split.attrs.get("seed", seed)), **split_totals(split)},
        "patch": patch,
        "seed": seed,
    }


def _at_pixels(maps: np.ndarray | xr.DataArray, mask: np.ndarray) -> np.ndarray:
    """(N, K) of (K, H, W) maps where the (H, W) mask is, some rows at a time."""
    parts = [
        np.asarray(maps[:, rows])[:, mask[rows]]
        for rows in row_bands(len(mask), rows_within(len(maps) * mask.shape[1]))
        if mask[rows].any()
    ]
    return np.concatenate(parts, axis=1).T if parts else np.zeros((0, len(maps)), np.float32)


def measure(
    probabilities: np.ndarray,
    truth: np.ndarray,
    classes: ClassTable,
    settings: EvaluationSettings,
    sets: SetRule | None = None,
) -> dict[str, Any]:
    """Scores the probabilities of labelled pixels.

    Args:
        probabilities: (N, K) class probabilities.
        truth: (N,) class ids.
        classes: The class table.
        settings: Bins.
        sets: Which classes a prediction set holds; None measures no sets.

    Returns:
        JSON-ready: overall_accuracy, average_accuracy, kappa, f1 (macro), calibration_error,
        per_class {name: precision, recall, f1, support}, confusion_matrix (rows are the truth),
        reliability; `sets` (see `measure_sets`) if asked for.

    Raises:
        SceneError: A probability is not finite.
    """
    if not np.isfinite(probabilities).all():
        raise SceneError("the predictions hold NaN or infinite probabilities; train again")
    confusion = metrics.confusion_matrix(truth, probabilities.argmax(axis=1) + 1, classes.count)
    bins = settings.calibration_bins
    return {
        "overall_accuracy": metrics.overall_accuracy(confusion),
        "average_accuracy": metrics.average_accuracy(confusion),
        "kappa": metrics.kappa(confusion),
        "f1": metrics.macro_f1(confusion),
        "per_class": metrics.per_class(confusion, classes),
        "confusion_matrix": confusion.tolist(),
        "calibration_error": expected_calibration_error(probabilities, truth, bins),
        "reliability": reliability(probabilities, truth, bins),
        **({} if sets is None else {"sets": measure_sets(probabilities, truth, classes, sets)}),
    }
