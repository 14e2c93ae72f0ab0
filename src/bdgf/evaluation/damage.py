"""Accuracy where one modality is hidden, noisy or clouded while a map is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from bdgf.core.settings import Settings
from bdgf.evaluation import metrics

DamageKind = Literal["hidden", "noise", "clouds"]


class DamageSettings(Settings):
    """Maps with one modality spoilt, which are scored beside the map. Chosen by this project."""

    kinds: tuple[DamageKind, ...] = Field(
        (),
        description="What is done to each modality in turn: `hidden` (missing everywhere), "
        "`noise`, `clouds` (blocks without data); one more map each, for scenes that fit into "
        "memory.",
    )
    noise: float = Field(
        1.0, gt=0, description="Standard deviation of `noise`, in those of the prepared channels."
    )
    share: float = Field(0.3, gt=0, lt=1, description="Share of the blocks that `clouds` cover.")
    block: int = Field(16, ge=1, description="Side of such a block in pixels.")
    seed: int = Field(0, ge=0, description="Seed of noise and clouds, the same for all models.")


def measure_damaged(
    maps: Mapping[tuple[str, str], np.ndarray], truth: np.ndarray, classes: int
) -> dict[str, Any]:
    """Accuracies of maps that were drawn with one modality spoilt.

    Args:
        maps: (N,) class ids at the test pixels by (kind of damage, modality); 0 where nothing was
            left to see.
        truth: (N,) class ids in 1..K.
        classes: K.

    Returns:
        JSON-ready: {kind: {modality: overall_accuracy, average_accuracy, scored}}, the accuracies
        None where no pixel was left.
    """
    found: dict[str, Any] = {}
    for (kind, modality), said in maps.items():
        seen = said > 0
        scores: dict[str, Any] = {"overall_accuracy": None, "average_accuracy": None}
        if seen.any():
            confusion = metrics.confusion_matrix(truth[seen], said[seen], classes)
            scores = {
                "overall_accuracy": metrics.overall_accuracy(confusion),
                "average_accuracy": metrics.average_accuracy(confusion),
            }
        found.setdefault(kind, {})[modality] = {**scores, "scored": int(seen.sum())}
    return found
