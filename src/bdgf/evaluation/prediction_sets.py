"""Prediction sets: the classes that a pixel may be, and how often they hold the right one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bdgf.scenes.classes import ClassTable


@dataclass(frozen=True)
class SetRule:
    """Which classes a prediction set holds: the most probable one, and all above a threshold.

    Attributes:
        coverage: Share of the pixels whose set is to hold the right class, 0..1.
        threshold: Least probability of a class in the set; 0 where the evidence is too little, and
            sets hold every class.
        pixels: Held-out pixels that the threshold was found on.
        blocks: Blocks that these lie in.
        unlike: Settings that make the probabilities others than those of the held-out pixels.
    """

    coverage: float
    threshold: float
    pixels: int
    blocks: int
    unlike: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> SetRule:
        """The rule that `measure_sets` told of."""
        return cls(
            told["coverage_stated"],
            told["threshold"],
            told["held_out_pixels"],
            told["held_out_blocks"],
            tuple(told["unlike"]),
        )


@dataclass(frozen=True)
class SetScores:
    """How good prediction sets are on some pixels.

    Attributes:
        coverage: Share of the pixels whose set holds the right class; None without pixels.
        mean_size: Mean number of classes in a set; None without pixels.
        pixels: Their number.
    """

    coverage: float | None
    mean_size: float | None
    pixels: int


def set_members(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """(K, ...) bool, the classes in the set of each pixel of (K, ...) probabilities."""
    members: np.ndarray = probabilities >= threshold
    most = probabilities.argmax(axis=0)
    np.put_along_axis(members, most[None], True, axis=0)
    return members


def set_size_map(probabilities: np.ndarray, valid: np.ndarray, threshold: float) -> np.ndarray:
    """How many classes each pixel's set holds.

    Args:
        probabilities: (K, H, W), K at most 255.
        valid: (H, W) bool.
        threshold: Least probability of a class in the set.

    Returns:
        (H, W) uint8: 1..K, 0 on invalid pixels.
    """
    sizes = set_members(probabilities, threshold).sum(axis=0)
    return np.where(valid, sizes, 0).astype(np.uint8)


def measure_sets(
    probabilities: np.ndarray, truth: np.ndarray, classes: ClassTable, rule: SetRule
) -> dict[str, Any]:
    """Scores prediction sets on labelled pixels.

    Args:
        probabilities: (N, K) class probabilities.
        truth: (N,) class ids.
        classes: The class table.
        rule: Which classes a set holds.

    Returns:
        JSON-ready: `coverage_stated`, `coverage_measured`, `mean_size`, `by_class` {name:
        coverage, mean_size, pixels}; of the rule `threshold`, `held_out_pixels`,
        `held_out_blocks`, `unlike`.
    """
    members = set_members(probabilities.T, rule.threshold)
    sizes = members.sum(axis=0)
    held = np.take_along_axis(members, truth[None].astype(np.int64) - 1, axis=0)[0]

    def scores(chosen: np.ndarray) -> SetScores:
        if not chosen.any():
            return SetScores(None, None, 0)
        return SetScores(float(held[chosen].mean()), float(sizes[chosen].mean()), int(chosen.sum()))

    whole = scores(np.ones(len(truth), bool))
    return {
        "coverage_stated": rule.coverage,
        "coverage_measured": whole.coverage,
        "mean_size": whole.mean_size,
        "by_class": {
            name: asdict(scores(truth == class_id))
            for class_id, name in zip(classes.ids, classes.names, strict=True)
        },
        "threshold": rule.threshold,
        "held_out_pixels": rule.pixels,
        "held_out_blocks": rule.blocks,
        "unlike": list(rule.unlike),
    }
