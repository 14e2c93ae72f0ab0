"""The rule of prediction sets that a trained model and the settings of a map come to."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from bdgf.core.errors import SettingsError
from bdgf.evaluation.prediction_sets import SetRule
from bdgf.inference.settings import SETS_OR_FAST, InferenceSettings

log = logging.getLogger(__name__)

_ROUNDING = 1e-9  # of a coverage in per cent


def set_rule(config: Mapping[str, Any], inference: InferenceSettings) -> SetRule | None:
    """Which classes a pixel's prediction set holds.

    Args:
        config: What made the trained model; thresholds stand in it.
        inference: How a map is drawn.

    Returns:
        The rule; None where no sets are asked for.

    Raises:
        SettingsError: The model kept no evidence, or the map is drawn by another rule or network
            than the evidence is of.
    """
    coverage = inference.sets.coverage
    if coverage is None:
        return None
    if inference.fusion is not None:
        raise SettingsError(
            f"inference.sets.coverage is of the model's own decision, and inference.fusion="
            f"{inference.fusion} joins its branches otherwise; leave one of the two null"
        )
    if inference.fast:
        raise SettingsError(SETS_OR_FAST)
    if "sets" not in config:
        raise SettingsError(
            f"model '{config['model']}' kept no evidence from held-out blocks, which "
            "inference.sets.coverage needs; train bdgf or bdgf_unguided with "
            "train.classifier.fusion=stacked (again, if it is of an older version)"
        )
    kept = config["sets"]
    percent = math.ceil(100 * coverage - _ROUNDING)
    return SetRule(
        coverage=percent / 100,
        threshold=float(kept["thresholds"][str(percent)]),
        pixels=int(kept["pixels"]),
        blocks=int(kept["blocks"]),
        unlike=_unlike(inference),
    )


def tell_sets(rule: SetRule) -> None:
    """Logs what the sets rest on, in one line: a warning where that is too little."""
    percent = f"{100 * rule.coverage:.0f} %"
    evidence = f"{rule.pixels} held-out pixels in {rule.blocks} blocks"
    if rule.threshold == 0:
        needed = blocks_needed(rule.coverage)
        log.warning(
            "prediction sets of %s: %s are too few, so every set holds all classes; it takes %d "
            "blocks: raise train.decision.blocks, or lower train.decision.held_out.block or "
            "inference.sets.coverage",
            *(percent, evidence, needed),
        )
        return
    log.info(
        "prediction sets of %s: classes from a probability of %.3f on, by %s%s",
        *(percent, rule.threshold, evidence),
        f"; {', '.join(rule.unlike)}: not as there, the coverage may differ" if rule.unlike else "",
    )


def blocks_needed(coverage: float) -> int:
    """The fewest held-out blocks that a coverage can be stated from."""
    return math.ceil(coverage / (1 - coverage) - _ROUNDING)


def _unlike(inference: InferenceSettings) -> tuple[str, ...]:
    # Settings under which the held-out pixels were not looked at.
    changed = {
        "inference.hide": bool(inference.hide),
        "inference.dihedral": inference.dihedral > 1,
        "inference.smoothing": inference.smoothing.sigma > 0,
    }
    return tuple(name for name, is_changed in changed.items() if is_changed)
