"""The baselines by name."""

from __future__ import annotations

from bdgf.baselines.interface import Baseline
from bdgf.baselines.random_forest import (
    RandomForestSettings,
    fit_random_forest,
    load_random_forest,
)

BASELINES: dict[str, Baseline] = {
    "random_forest": Baseline(
        settings=RandomForestSettings,
        fit=fit_random_forest,
        load=load_random_forest,
        patch=lambda settings: settings.patch,
    ),
}
