"""Accuracy figures: confusion matrix, reliability diagram, bars per class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.evaluation.figures.marks import LINE_COLORS, wrapped
from bdgf.scenes.classes import ClassTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MATRIX_MOST = 10.0  # inches of the matrix itself
_MATRIX_DPI = 95
_CELL_TEXT_MOST = 20  # classes beyond which numbers in a confusion matrix are unreadable
_LETTER = 0.075  # inches of a letter of a class's name
_NAME_MOST = 32  # characters of a class's name
_RELIABILITY_SIDE = 4.2
_DPI = 110


def confusion_figure(
    confusion: Sequence[Sequence[int]], classes: ClassTable, title: str = ""
) -> Figure:
    """The confusion matrix: colour is the share of the true class, text the number of pixels.

    Args:
        confusion: (K, K) counts, rows are the truth.
        classes: The class table.
        title: A line above.
    """
    from matplotlib.figure import Figure

    counts = np.asarray(confusion)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [wrapped(name, _NAME_MOST) for name in classes.names]
    # What the names take comes on top, so that cells stay as large as their numbers need.
    margin = 0.9 + _LETTER * max(len(line) for name in names for line in name.split("\n"))
    side = min(1.6 + 0.62 * classes.count, _MATRIX_MOST)
    # Numbers as large as their cells allow; a digit is about 0.6 of its size wide.
    cell, digits = 72 * side / classes.count, len(str(counts.max()))
    text_size = min(9.0, 0.8 * cell / (0.6 * digits))
    figure = Figure(
        figsize=(side + margin + 0.9, side + 0.8 * margin + 0.4),
        dpi=_MATRIX_DPI,
        layout="compressed",  # the one that keeps the labels of square cells within the figure
    )
    axis = figure.add_subplot()
    image = axis.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    axis.set_xticks(
        range(classes.count), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=9
    )
    axis.set_yticks(range(classes.count), names, fontsize=9)
    axis.set_xlabel("predicted class")
    axis.set_ylabel("true class")
    figure.colorbar(image, ax=axis, fraction=0.045, pad=0.03).set_label("share of the true class")
    if classes.count <= _CELL_TEXT_MOST:
        for row, column in np.argwhere(counts > 0):
            color = "white" if share[row, column] > 0.55 else "black"
            text = f"{counts[row, column]}"
            axis.text(column, row, text, ha="center", va="center", color=color, fontsize=text_size)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def reliability_figure(reliability: Mapping[str, Any], error: float, title: str = "") -> Figure:
    """The accuracy of each confidence bin, with its number of pixels below.

    Args:
        reliability: From `bdgf.evaluation.calibration.reliability`.
        error: The expected calibration error.
        title: A line above.
    """
    from matplotlib.figure import Figure

    pixels = np.asarray(reliability["pixels"], float)
    confidence = np.array(reliability["confidence"], float)  # None becomes NaN
    accuracy = np.array(reliability["accuracy"], float)
    edges = np.linspace(0, 1, len(pixels) + 1)
    centres, width = (edges[:-1] + edges[1:]) / 2, 1 / len(pixels)
    size = (_RELIABILITY_SIDE, 1.35 * _RELIABILITY_SIDE)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.bar(centres, np.nan_to_num(accuracy), width, color=LINE_COLORS[5], edgecolor="white")
    upper.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle="--", label="calibrated")
    upper.plot(
        confidence,
        accuracy,
        color=LINE_COLORS[1],
        marker="o",
        markersize=4,
        linestyle="none",
        label="at the mean confidence",
    )
    upper.set_ylabel("accuracy")
    upper.set_ylim(0, 1)
    upper.set_title(f"calibration error {100 * error:.1f} %", fontsize=9)
    lower.bar(centres, pixels, width, color="#888888", edgecolor="white")
    lower.set_yscale("symlog", linthresh=1)
    lower.set_ylabel("test pixels")
    lower.set_xlabel("confidence")
    lower.set_xlim(0, 1)
    for axis in (upper, lower):
        axis.grid(axis="y", alpha=0.3)
        axis.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure
