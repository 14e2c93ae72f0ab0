"""Figures: drawn without global state, readable sizes, small files."""

import io
import subprocess
import sys

import numpy as np
import pytest

from bdgf.evaluation.figures import (
    class_map_figure,
    confusion_figure,
    curves_figure,
    entropy_figure,
)
from bdgf.scenes.scene import ClassTable

MOST_BYTES = 300_000


def png_size(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return len(file.getvalue())


def classes(count=6):
    return ClassTable.of([f"land cover {i}" for i in range(count)])


@pytest.mark.parametrize("shape", [(96, 96), (349, 1905), (1723, 476)])
def test_map_figures_are_small_files_with_a_legend(shape):
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 7, (-(-shape[0] // 8), -(-shape[1] // 8))), np.ones((8, 8)))
    labels = labels[: shape[0], : shape[1]].astype(np.uint8)
    figure = class_map_figure(labels, classes(), labels, "a title")
    assert png_size(figure) < MOST_BYTES
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [*classes().names, "none"]
    assert len(figure.axes) == 2
    assert len(class_map_figure(labels, classes()).axes) == 1


def test_the_legend_leaves_out_absent_classes():
    figure = class_map_figure(np.full((8, 8), 3, np.uint8), classes())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["land cover 2", "none"]


def test_the_uncertainty_figure_spans_0_to_1():
    entropy = np.random.default_rng(0).random((96, 96)).astype(np.float32)
    entropy[:5] = np.nan
    figure = entropy_figure(entropy, "demo")
    assert figure.axes[0].images[0].get_clim() == (0.0, 1.0)
    assert png_size(figure) < MOST_BYTES


@pytest.mark.parametrize("count", [2, 6, 18, 30])
def test_the_confusion_figure_holds_the_counts_while_they_are_readable(count):
    confusion = np.random.default_rng(0).integers(1, 9999, (count, count)).tolist()
    figure = confusion_figure(confusion, classes(count))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert (str(confusion[1][0]) in texts) == (count <= 20)
    assert png_size(figure) < MOST_BYTES


def test_curves_share_a_panel_with_their_kind():
    names = ["train/loss", "train/loss_cnn", "pretrain/mask_rate_sar", "pretrain/mask_rate_optical"]
    names += ["pretrain/balance_index", "validation/overall_accuracy", "once"]
    curves = {name: [(step, step / 7) for step in range(50)] for name in names}
    curves["once"] = [(3, 0.5)]
    curves["never"] = []
    figure = curves_figure(curves, "demo")
    titles = {axis.get_title() for axis in figure.axes if axis.get_title()}
    assert titles == {
        *("train/loss", "pretrain/mask_rate", "pretrain/balance_index"),
        *("validation/overall_accuracy", "once", "never"),
    }
    losses = next(axis for axis in figure.axes if axis.get_title() == "train/loss")
    assert [text.get_text() for text in losses.get_legend().get_texts()] == ["loss", "cnn"]
    assert png_size(figure) < MOST_BYTES


def test_many_noisy_curves_stay_a_small_file():
    rng = np.random.default_rng(0)
    steps = np.arange(500)
    curves = {
        f"group{g}/metric_{i}": list(enumerate(np.exp(-steps / 90) + 0.1 * rng.random(500) + i))
        for g in range(9)
        for i in range(4)
    }
    assert png_size(curves_figure(curves)) < MOST_BYTES


def test_no_curves_is_an_empty_figure():
    assert png_size(curves_figure({})) > 0


def test_importing_the_figures_does_not_import_matplotlib():
    code = "import sys, bdgf.evaluation.figures; print('matplotlib' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.strip() == "False"
