"""Learning curves: what stands in one panel, and how that is named."""

import numpy as np

from bdgf.evaluation.figures.curves import curve_groups, curve_panels, curves_figure
from tests.evaluation.figures.figure_size import MOST_BYTES, outside, png_size


def test_curves_share_a_panel_with_their_kind():
    names = ["train/loss", "train/loss_cnn", "pretrain/mask_rate_sar", "pretrain/mask_rate_optical"]
    names += ["pretrain/balance_index", "validation/overall_accuracy", "once"]
    curves = {name: [(step, step / 7) for step in range(50)] for name in names}
    curves["once"] = [(3, 0.5)]
    curves["never"] = []
    figure = curves_figure(curves, "demo")
    titles = {axis.get_title() for axis in figure.axes if axis.get_title()}
    assert titles == {
        *("train: loss", "pretrain: mask rate", "pretrain: balance index"),
        *("validation: overall accuracy", "once"),
    }
    losses = next(axis for axis in figure.axes if axis.get_title() == "train: loss")
    assert [text.get_text() for text in losses.get_legend().get_texts()] == ["total", "cnn"]
    assert png_size(figure) < MOST_BYTES
    assert set(curve_panels(curves)) == titles


def test_a_panel_of_one_curve_has_its_whole_name():
    shares = ["pretrain/feature_share_optical", "pretrain/feature_share_sar"]
    groups = curve_groups([*shares, "pretrain/feature_balance_index"])
    assert groups == {
        "pretrain/feature_share": shares,
        "pretrain/feature_balance_index": ["pretrain/feature_balance_index"],
    }


def test_a_legend_covers_no_curve():
    names = [f"train/loss_{branch}" for branch in ("cnn", "mamba", "transformer", "classical")]
    figure = curves_figure({name: [(s, float(s)) for s in range(9)] for name in names})
    assert outside(figure) == []
    (axis,) = (axis for axis in figure.axes if axis.get_legend())
    legend = axis.get_legend().get_window_extent()
    assert legend.y1 <= axis.get_window_extent().y0


def test_many_noisy_curves_stay_a_small_file():
    rng = np.random.default_rng(0)
    steps = np.arange(500)
    curves = {
        f"group{g}/metric_{i}": list(enumerate(np.exp(-steps / 90) + 0.1 * rng.random(500) + i))
        for g in range(9)
        for i in range(4)
    }
    assert png_size(curves_figure(curves)) < MOST_BYTES


def test_no_curves_is_a_figure_that_says_so():
    assert "no curves" in curves_figure({}).texts[0].get_text()
