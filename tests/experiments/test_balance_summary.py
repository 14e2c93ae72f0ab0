import io

import numpy as np
import pytest

from bdgf.experiments.balance_summary import balance_figure, balance_means, balance_table

MODALITIES = {"demo": ("optical", "sar", "height"), "pines": ("hsi", "height")}


def record(scene, strategy, signal, seed):
    rng = np.random.default_rng([seed, len(strategy), len(scene)])
    made = {"scene": scene, "strategy": strategy, "signal": signal, "seed": seed, "steps": 9}
    made["rule"] = "ratio" if signal else ""
    made["split"] = {"name": "official", "seed": seed}
    for measure in ("feature_share", "explained_noise", "mask_rate", "probe_average_accuracy"):
        made["probe_average_accuracy_all"] = rng.random()
        made |= {f"{measure}_{m}": rng.random() for m in MODALITIES[scene]}
    return made | {"feature_balance_index": rng.random(), "explained_noise_balance_index": 0.5}


@pytest.fixture
def table():
    maskings = [("none", ""), ("adaptive", "modality_sensitivity")]
    return balance_table(
        [record(s, *m, seed) for s in MODALITIES for m in maskings for seed in (0, 1, 2)]
    )


def test_means_and_deviations_are_over_the_seeds(table):
    means = balance_means(table)
    assert means[["scene", "masking", "seeds"]].values.tolist() == [
        ["demo", "none", 3],
        ["demo", "adaptive (modality sensitivity, ratio)", 3],
        ["pines", "none", 3],
        ["pines", "adaptive (modality sensitivity, ratio)", 3],
    ]
    values = [record("demo", "none", "", seed)["feature_share_sar"] for seed in (0, 1, 2)]
    assert means["feature_share_sar_mean"][0] == pytest.approx(np.mean(values))
    assert means["feature_share_sar_std"][0] == pytest.approx(np.std(values, ddof=1))
    assert np.isnan(means["feature_share_sar_mean"][2])


def test_a_single_seed_has_no_deviation(table):
    means = balance_means(table[table["seed"] == 1])
    assert means["feature_share_height_std"].isna().all()


def test_the_figure_has_a_bar_for_every_modality_and_masking(table):
    figure = balance_figure(table, "balance")
    assert len(figure.axes) == 2 * 4
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == ["optical", "sar", "height", "all visible"]
    assert [len(axis.patches) for axis in figure.axes] == [8, 6, 6, 6, 6, 4, 4, 4]
    whole = balance_means(table).set_index(["scene", "masking"])
    bar = figure.axes[1].patches[0]
    assert bar.get_height() == pytest.approx(
        whole.loc[("demo", "none"), "feature_share_optical_mean"]
    )
    file = io.BytesIO()
    figure.savefig(file, format="png")
    assert len(file.getvalue()) < 300_000
