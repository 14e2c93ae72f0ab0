"""Paired tests: whether one classifier is better than another on the same pixels or seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

_EXACT_BELOW = 25  # discordant pixels; the usual bound of the chi-squared approximation


@dataclass(frozen=True)
class PairedTest:
    """The outcome of a paired two-sided test.

    Attributes:
        name: What was computed.
        statistic: The test's statistic.
        p_value: Probability of a difference as large when there is none.
        pairs: Pairs that differ and so decide.
    """

    name: str
    statistic: float
    p_value: float
    pairs: int


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray, exact: bool | None = None) -> PairedTest:
    """McNemar's test of two classifiers on the same test pixels (McNemar 1947).

    Args:
        correct_a: (N,) bool, where the first is right.
        correct_b: (N,) bool, where the second is right.
        exact: Binomial test, or chi-squared with Edwards' continuity correction; None takes the
            binomial one where fewer than 25 pixels differ.

    Returns:
        The statistic is min(b, c) of the discordant counts in the binomial test, else
        (|b - c| - 1)^2 / (b + c).
    """
    correct_a, correct_b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    pairs = only_a + only_b
    if exact or (exact is None and pairs < _EXACT_BELOW):
        fewer = min(only_a, only_b)
        p_value = stats.binomtest(fewer, pairs, 0.5).pvalue if pairs else 1.0
        return PairedTest("McNemar, exact", float(fewer), float(p_value), pairs)
    statistic = (abs(only_a - only_b) - 1) ** 2 / pairs if pairs else 0.0
    p_value = stats.chi2.sf(statistic, df=1) if pairs else 1.0
    return PairedTest("McNemar, chi-squared", float(statistic), float(p_value), pairs)


def wilcoxon(scores_a: Sequence[float], scores_b: Sequence[float]) -> PairedTest:
    """Wilcoxon's signed-rank test of two classifiers' scores over the same seeds.

    With n seeds the two-sided p value cannot fall below 2^(1 - n): 0.0625 with five, so five
    seeds of one scene cannot reach 0.05; pool scenes, or take six seeds or more.

    Args:
        scores_a: (n,) scores of the first, by seed.
        scores_b: (n,) scores of the second, by the same seeds.
    """
    differences = np.asarray(scores_a, float) - np.asarray(scores_b, float)
    pairs = int((differences != 0).sum())
    if pairs == 0:
        return PairedTest("Wilcoxon signed-rank", 0.0, 1.0, 0)
    result = stats.wilcoxon(differences)
    return PairedTest("Wilcoxon signed-rank", float(result.statistic), float(result.pvalue), pairs)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of several p values (Holm 1979), in the order given."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    result = np.empty_like(p)
    result[order] = np.minimum(adjusted, 1.0)
    return [float(value) for value in result]
