"""Paired tests against statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from bdgf.evaluation.significance import holm, mcnemar, wilcoxon


def table(a, b):
    return [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]


@pytest.mark.parametrize("exact", [True, False])
@given(seed=st.integers(0, 10_000))
def test_mcnemar_is_that_of_statsmodels(exact, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.random(120) < 0.8, rng.random(120) < 0.7
    ours, theirs = mcnemar(a, b, exact), reference_mcnemar(table(a, b), exact=exact)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert ours.pairs == (a != b).sum()


def test_mcnemar_is_exact_where_few_pixels_differ():
    a = np.ones(1000, bool)
    few, many = a.copy(), a.copy()
    few[:24], many[:25] = False, False
    assert mcnemar(a, few).name == "McNemar, exact"
    assert mcnemar(a, many).name == "McNemar, chi-squared"


@pytest.mark.parametrize("exact", [True, False, None])
def test_equal_classifiers_do_not_differ(exact):
    a = np.array([True, False, True])
    assert mcnemar(a, a, exact).p_value == 1.0
    assert wilcoxon([0.9, 0.8], [0.9, 0.8]).p_value == 1.0


def test_wilcoxon_is_that_of_scipy_and_five_seeds_cannot_reach_5_percent():
    rng = np.random.default_rng(0)
    a, b = rng.random(12), rng.random(12)
    assert wilcoxon(a, b).p_value == pytest.approx(stats.wilcoxon(a, b).pvalue)
    better = [0.9, 0.91, 0.92, 0.93, 0.94]
    assert wilcoxon(better, [x - 0.1 - x / 100 for x in better]).p_value == 0.0625


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_holm_is_that_of_statsmodels(count):
    p_values = np.random.default_rng(count).random(count) ** 3
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1])
