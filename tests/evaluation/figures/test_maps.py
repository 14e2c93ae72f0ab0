"""Maps as figures: drawn without global state, readable sizes, small files."""

import subprocess
import sys

import numpy as np
import pytest

from bdgf.evaluation.figures.maps import class_map_figure, entropy_figure
from tests.evaluation.figures.figure_size import (
    MOST_BYTES,
    classes,
    long_classes,
    outside,
    png_size,
)


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


@pytest.mark.parametrize("count", [3, 6, 15])
@pytest.mark.parametrize("shape", [(40, 40), (20, 120)])
def test_nothing_is_cut_off_with_long_names(count, shape):
    table = long_classes(count)
    ids = (np.arange(shape[0] * shape[1]).reshape(shape) % count + 1).astype(np.uint8)
    title = "a scene with a long name, bdgf, split spatial_blocks, seed 0: OA 91.18 %, AA 93.49 %"
    figure = class_map_figure(ids, table, ids, title, metres_per_column=5.0)
    assert outside(figure) == []
    assert outside(entropy_figure(ids / count, title, metres_per_column=5.0)) == []


def test_a_scale_bar_is_as_long_as_it_says():
    ids = np.ones((50, 100), np.uint8)
    (axis,) = class_map_figure(ids, classes(), metres_per_column=10.0).axes
    (bar,) = axis.patches  # of a map of 1,000 m
    assert bar.get_width() == pytest.approx(0.2)
    assert [text.get_text() for text in axis.texts] == ["200 m"]
    assert not class_map_figure(ids, classes()).axes[0].texts


def test_the_uncertainty_figure_spans_0_to_1():
    entropy = np.random.default_rng(0).random((96, 96)).astype(np.float32)
    entropy[:5] = np.nan
    figure = entropy_figure(entropy, "demo")
    assert figure.axes[0].images[0].get_clim() == (0.0, 1.0)
    assert png_size(figure) < MOST_BYTES


def test_importing_the_figures_does_not_import_matplotlib():
    code = "import sys, bdgf.evaluation.figures.maps, bdgf.evaluation.figures.scores, "
    code += "bdgf.evaluation.figures.curves; print('matplotlib' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.strip() == "False"
