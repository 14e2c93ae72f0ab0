"""Outcomes of three variants on two scenes, drawn."""

import numpy as np

from bdgf.experiments.comparison import MEASURES, Outcome

SKILL = {"ours": 0.80, "good": 0.78, "weak": 0.6}
SEEDS = range(6)


def outcome(row: str, scene: str, seed: int, pixels: np.ndarray | None = None) -> Outcome:
    rng = np.random.default_rng([len(row), ord(row[0]), len(scene), seed])
    pixels = np.arange(0, 900, 3) if pixels is None else pixels
    correct = rng.random(len(pixels)) < SKILL[row]
    metrics = {measure: float(rng.normal(SKILL[row], 0.02)) for measure in MEASURES}
    metrics["overall_accuracy"] = float(correct.mean())
    return Outcome(row, scene, seed, metrics, pixels, correct, 10.0 + seed, 100 * len(row))


OUTCOMES = [outcome(row, scene, seed) for row in SKILL for scene in ("a", "bb") for seed in SEEDS]
OF_A = [o for o in OUTCOMES if o.scene == "a"]
