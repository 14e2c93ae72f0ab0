"""Tables over many runs: results of each variant, and differences to a reference.

A *variant* is a model with its settings. Variants are compared in pairs: two runs of the same
scene and seed, on the same test pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from bdgf.evaluation.significance import holm, mcnemar, wilcoxon

MEASURES = {
    "overall_accuracy": "OA",
    "average_accuracy": "AA",
    "kappa": "kappa",
    "f1": "F1",
    "calibration_error": "ECE",
}
"""The measures of the tables with their short names, all in 0..1 (kappa in -1..1)."""

TESTED = ("overall_accuracy", "average_accuracy")
"""The measures that Wilcoxon's test and the intervals of the differences are given for."""

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Outcome:
    """The result of one run.

    Attributes:
        variant: Name of the model and settings.
        scene: The scene.
        seed: The seed.
        metrics: At least the `MEASURES`.
        pixels: (N,) flat indices of the test pixels, ascending.
        correct: (N,) bool, where the prediction is right.
        seconds: Wall time of the run.
        parameters: Trained parameters; None where that has no meaning.
        reused: Whether its pretraining was that of another run, so that `seconds` is short.
    """

    variant: str
    scene: str
    seed: int
    metrics: Mapping[str, float]
    pixels: np.ndarray
    correct: np.ndarray
    seconds: float
    parameters: int | None = None
    reused: bool = False


@dataclass(frozen=True)
class Interval:
    """A mean of paired differences with Student's interval.

    Attributes:
        mean: The mean.
        std: Standard deviation of the differences, NaN with one pair.
        low: Lower end of the interval, NaN with one pair.
        high: Upper end.
        pairs: Number of differences.
    """

    mean: float
    std: float
    low: float
    high: float
    pairs: int


def mean_interval(differences: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Mean, standard deviation (n - 1) and two-sided t interval of paired differences.

    Args:
        differences: (n,) differences, n >= 1.
        confidence: Coverage of the interval.
    """
    values = np.asarray(differences, float)
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Interval(mean, np.nan, np.nan, np.nan, n)
    std = float(values.std(ddof=1))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * std / np.sqrt(n)
    return Interval(mean, std, mean - half, mean + half, n)


def summary_table(outcomes: Sequence[Outcome], variants: Sequence[str]) -> pd.DataFrame:
    """Mean and standard deviation of every measure over the runs of each variant.

    With several scenes the mean is that of the scenes' means, and the standard deviation that of
    the seeds' means over the scenes, so that differences between scenes do not count as noise.

    Args:
        outcomes: The runs, of one scene or several.
        variants: The variants wanted, in order; those without runs are left out.

    Returns:
        One line each: `variant`, `runs`, `<measure>_mean`, `<measure>_std` (n - 1; NaN with one
        seed), `seconds` (median of the runs that did all their work themselves, else of all),
        `reused` (whether no run did), `parameters` (mean, NaN where none).
    """
    lines = []
    for variant in variants:
        runs = [o for o in outcomes if o.variant == variant]
        if not runs:
            continue
        line: dict[str, object] = {"variant": variant, "runs": len(runs)}
        for measure in MEASURES:
            values = pd.Series(
                [o.metrics[measure] for o in runs],
                index=pd.MultiIndex.from_tuples([(o.scene, o.seed) for o in runs]),
                dtype=float,
            )
            line[f"{measure}_mean"] = values.groupby(level=0).mean().mean()
            line[f"{measure}_std"] = values.groupby(level=1).mean().std(ddof=1)
        whole = [o.seconds for o in runs if not o.reused] or [o.seconds for o in runs]
        counted = [o.parameters for o in runs if o.parameters is not None]
        line["seconds"] = float(np.median(whole))
        line["reused"] = all(o.reused for o in runs)
        line["parameters"] = float(np.mean(counted)) if counted else np.nan
        lines.append(line)
    return pd.DataFrame(lines)


def difference_table(
    outcomes: Sequence[Outcome], variants: Sequence[str], reference: str
) -> pd.DataFrame:
    """Paired differences to the reference, variant minus reference, with their tests.

    McNemar's test takes the predictions of all seeds (and scenes) together: it asks whether these
    trained models differ on such pixels, and neighbouring pixels or the same pixel under several
    seeds are not independent, so its p values are too small. Wilcoxon's test takes one score a
    run. Both are adjusted by Holm's method within the table.

    Args:
        outcomes: The runs, of one scene or several.
        variants: Those wanted, in order; those that share no scene and seed with the reference
            are left out, and so is the reference.
        reference: The variant that the others are compared with.

    Returns:
        One line a variant: `variant`, `pairs`, `<measure>_difference`, `_difference_std`,
        `_difference_low`, `_difference_high`, `_wilcoxon_p`, `_wilcoxon_p_holm` for each of
        `TESTED`, and `mcnemar_p`, `mcnemar_p_holm`.
    """
    of_reference = {(o.scene, o.seed): o for o in outcomes if o.variant == reference}
    lines = []
    for variant in variants:
        pairs = [
            (o, of_reference[o.scene, o.seed])
            for o in outcomes
            if o.variant == variant and variant != reference and (o.scene, o.seed) in of_reference
        ]
        if pairs:
            lines.append(_differences(variant, pairs))
    table = pd.DataFrame(lines)
    for column in [c for c in table.columns if c.endswith("_p")]:
        table[f"{column}_holm"] = holm(table[column].tolist())
    return table


def _differences(variant: str, pairs: Sequence[tuple[Outcome, Outcome]]) -> dict[str, object]:
    line: dict[str, object] = {"variant": variant, "pairs": len(pairs)}
    for measure in TESTED:
        scores = [(one.metrics[measure], other.metrics[measure]) for one, other in pairs]
        interval = mean_interval([one - other for one, other in scores])
        line[f"{measure}_difference"] = interval.mean
        line[f"{measure}_difference_std"] = interval.std
        line[f"{measure}_difference_low"] = interval.low
        line[f"{measure}_difference_high"] = interval.high
        ones, others = zip(*scores, strict=True)
        line[f"{measure}_wilcoxon_p"] = wilcoxon(ones, others).p_value
    shared = [_on_same_pixels(one, other) for one, other in pairs]
    one_right, other_right = (np.concatenate(side) for side in zip(*shared, strict=True))
    line["mcnemar_p"] = mcnemar(one_right, other_right).p_value
    return line


def _on_same_pixels(one: Outcome, other: Outcome) -> tuple[np.ndarray, np.ndarray]:
    # Another split may test on other pixels; only those of both are pairs.
    _, first, second = np.intersect1d(
        one.pixels, other.pixels, assume_unique=True, return_indices=True
    )
    return one.correct[first], other.correct[second]
