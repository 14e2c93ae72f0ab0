"""Confusion matrix and reliability diagram."""

import numpy as np
import pytest

from bdgf.evaluation.calibration import reliability
from bdgf.evaluation.figures.scores import confusion_figure, reliability_figure
from tests.evaluation.figures.figure_size import (
    MOST_BYTES,
    classes,
    long_classes,
    outside,
    png_size,
)


@pytest.mark.parametrize("count", [2, 6, 18, 30])
def test_the_confusion_figure_holds_the_counts_while_they_are_readable(count):
    confusion = np.random.default_rng(0).integers(1, 9999, (count, count)).tolist()
    figure = confusion_figure(confusion, classes(count))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert (str(confusion[1][0]) in texts) == (count <= 20)
    assert png_size(figure) < MOST_BYTES


@pytest.mark.parametrize("count", [3, 6, 15])
@pytest.mark.parametrize("table", [classes, long_classes])
def test_labels_and_title_are_there_and_whole(count, table):
    confusion = np.full((count, count), 12345).tolist()
    figure = confusion_figure(confusion, table(count), "demo, bdgf: 4,839 test pixels by class")
    axis = figure.axes[0]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted class", "true class")
    assert outside(figure) == []


def test_the_reliability_diagram_draws_what_the_bins_hold():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.55, 0.45]])
    bins = reliability(probabilities, np.array([1, 2, 1]), bins=4)
    figure = reliability_figure(bins, 0.25, "demo")
    upper, lower = figure.axes
    assert [bar.get_height() for bar in upper.patches] == pytest.approx([0, 0, 1, 0.5])
    assert [bar.get_height() for bar in lower.patches] == [0, 0, 1, 2]
    assert "25.0 %" in upper.get_title()
    assert outside(figure) == []
