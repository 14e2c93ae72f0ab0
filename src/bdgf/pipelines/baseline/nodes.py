"""A baseline on the same pixels, split and measures as BDGF."""

from __future__ import annotations

from typing import Any

import xarray as xr

from bdgf.baselines.interface import FittedBaseline
from bdgf.baselines.registry import BASELINES
from bdgf.errors import SettingsError
from bdgf.evaluation.report import EvaluationSettings, evaluate_predictions
from bdgf.scenes.scene import LABELS, class_table


def fit_baseline(
    prepared_scene: xr.Dataset,
    split: xr.DataArray,
    name: str,
    parameters: dict[str, Any],
    seed: int,
) -> FittedBaseline:
    """Trains a baseline of the registry on the training pixels.

    Args:
        prepared_scene: The prepared scene.
        split: Which pixels train, validate and test.
        name: The baseline's name.
        parameters: The group `baselines`: settings by name.
        seed: The baseline's seed.

    Returns:
        The trained baseline.

    Raises:
        SettingsError: There is no such baseline.
    """
    if name not in BASELINES:
        raise SettingsError(f"unknown baseline '{name}'; known: {', '.join(BASELINES)}")
    entry = BASELINES[name]
    return entry.fit(
        prepared_scene, split, entry.settings.model_validate(parameters.get(name, {})), seed
    )


def score_baseline(
    baseline: FittedBaseline,
    prepared_scene: xr.Dataset,
    split: xr.DataArray,
    name: str,
    parameters: dict[str, Any],
    evaluation: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Measures a baseline on the test pixels.

    Args:
        baseline: The trained baseline.
        prepared_scene: The prepared scene.
        split: The split that it was trained on.
        name: The baseline's name.
        parameters: The group `baselines`: settings by name.
        evaluation: The group `evaluation`.
        seed: The baseline's seed.

    Returns:
        The metrics, as of BDGF.
    """
    entry = BASELINES[name]
    metrics = evaluate_predictions(
        baseline.predict_map(prepared_scene),
        prepared_scene[LABELS].to_numpy(),
        split,
        class_table(prepared_scene),
        entry.patch(entry.settings.model_validate(parameters.get(name, {}))),
        seed,
        EvaluationSettings.model_validate(evaluation),
    )
    return metrics | {"scene": prepared_scene.attrs["scene"], "model": name}
