"""The tables, against pandas, SciPy and statsmodels by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from bdgf.experiments.comparison import (
    MEASURES,
    Outcome,
    difference_table,
    mean_interval,
    summary_table,
)
from bdgf.experiments.markdown import comparison_markdown
from tests.experiments.small_outcomes import OF_A, OUTCOMES, SKILL, outcome


def frame(outcomes: list[Outcome]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"variant": o.variant, "scene": o.scene, "seed": o.seed, **o.metrics} for o in outcomes]
    )


@pytest.mark.parametrize("measure", MEASURES)
def test_mean_and_standard_deviation_over_seeds(measure: str) -> None:
    table = summary_table(OF_A, list(SKILL)).set_index("variant")
    expected = frame(OF_A).groupby("variant")[measure].agg(["mean", "std"])
    for row in SKILL:
        assert table.loc[row, f"{measure}_mean"] == pytest.approx(expected.loc[row, "mean"])
        assert table.loc[row, f"{measure}_std"] == pytest.approx(expected.loc[row, "std"])


def test_over_scenes_the_spread_is_that_of_seeds_not_of_scenes() -> None:
    table = summary_table(OUTCOMES, ["ours"])
    by_seed = frame(OUTCOMES).query("variant == 'ours'").groupby("seed")["kappa"].mean()
    assert table["kappa_mean"][0] == pytest.approx(by_seed.mean())
    assert table["kappa_std"][0] == pytest.approx(by_seed.std())
    assert table["runs"][0] == 12


def test_rows_come_in_the_order_asked_for_and_without_runs_not_at_all() -> None:
    table = summary_table(OF_A, ["weak", "absent", "ours"])
    assert table["variant"].tolist() == ["weak", "ours"]
    assert table["parameters"].tolist() == [400, 400]


def test_time_is_that_of_runs_that_did_all_themselves() -> None:
    reused = [Outcome(**{**vars(o), "reused": o.seed > 0, "seconds": 50.0 - o.seed}) for o in OF_A]
    table = summary_table(reused, ["ours"])
    assert table["seconds"][0] == 50
    assert not table["reused"][0]
    table = summary_table([o for o in reused if o.reused], ["ours"])
    assert table["seconds"][0] == 47
    assert r"| 47\* |" in comparison_markdown(table, pd.DataFrame(), {}, "ours")


def test_differences_are_paired() -> None:
    table = difference_table(OF_A, ["weak", "ours", "good"], "ours").set_index("variant")
    assert list(table.index) == ["weak", "good"]
    wide = frame(OF_A).pivot(index="seed", columns="variant", values="average_accuracy")
    for row in table.index:
        differences = wide[row] - wide["ours"]
        found = table.loc[row]
        assert found["average_accuracy_difference"] == pytest.approx(differences.mean())
        assert found["average_accuracy_difference_std"] == pytest.approx(differences.std())
        low, high = DescrStatsW(differences.to_numpy()).tconfint_mean(0.05)
        assert found["average_accuracy_difference_low"] == pytest.approx(low)
        assert found["average_accuracy_difference_high"] == pytest.approx(high)
        expected = stats.wilcoxon(wide[row], wide["ours"]).pvalue
        assert found["average_accuracy_wilcoxon_p"] == pytest.approx(expected)


def test_mcnemar_takes_all_seeds_together_and_holm_the_table() -> None:
    table = difference_table(OF_A, ["good", "weak"], "ours")
    expected = []
    for row in ("good", "weak"):
        one, other = (
            np.concatenate([o.correct for o in OF_A if o.variant == name]) for name in (row, "ours")
        )
        counts = [[(one & other).sum(), (one & ~other).sum()],
                  [(~one & other).sum(), (~one & ~other).sum()]]  # fmt: skip
        expected.append(statsmodels_mcnemar(counts, exact=False, correction=True).pvalue)
    assert table["mcnemar_p"].tolist() == pytest.approx(expected)
    adjusted = multipletests(expected, method="holm")[1]
    assert table["mcnemar_p_holm"].tolist() == pytest.approx(list(adjusted))


def test_only_pixels_that_both_were_tested_on_are_pairs() -> None:
    fewer = outcome("good", "a", 0, pixels=np.arange(0, 900, 9))
    reference = outcome("ours", "a", 0)
    table = difference_table([fewer, reference], ["good"], "ours")
    shared = np.isin(reference.pixels, fewer.pixels)
    b = int((fewer.correct & ~reference.correct[shared]).sum())
    c = int((~fewer.correct & reference.correct[shared]).sum())
    expected = statsmodels_mcnemar([[0, b], [c, 0]], exact=b + c < 25, correction=True)
    assert table["mcnemar_p"][0] == pytest.approx(expected.pvalue)


def test_runs_without_a_counterpart_are_no_pairs() -> None:
    some = [o for o in OF_A if o.variant != "ours" or o.seed < 4]
    assert difference_table(some, ["good"], "ours")["pairs"].tolist() == [4]
    assert difference_table([o for o in OF_A if o.variant != "ours"], ["good"], "ours").empty


def test_one_pair_has_no_interval() -> None:
    interval = mean_interval([0.25])
    assert interval.mean == 0.25
    assert np.isnan([interval.std, interval.low, interval.high]).all()
