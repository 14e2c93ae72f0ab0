"""Figures of a run, as matplotlib `Figure` objects: no global state, safe in any thread.

Matplotlib is imported when a figure is drawn, so that the rest starts fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.evaluation.maps import color_image, overview
from bdgf.scenes.classes import ClassTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 130
_CURVES_DPI = 80  # many small panels in one file
_PANEL = 5.0  # inches of a map's longer side
_MAP_MOST = 2600  # pixels of a map's longer side that are drawn: four to a dot of the panel
_LINE_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_LINE_STYLES = ("-", "--", ":", "-.")
_MATRIX_MOST = 10.0  # inches
_MATRIX_DPI = 105
_CURVE_POINTS = 150  # a longer curve is drawn as the means of so many stretches
_CELL_TEXT_MOST = 20  # classes beyond which numbers in a confusion matrix are unreadable


def class_map_figure(
    prediction: np.ndarray,
    classes: ClassTable,
    labels: np.ndarray | None = None,
    title: str = "",
) -> Figure:
    """The coloured class map with its legend, next to the reference labels where given.

    Args:
        prediction: (H, W) class ids, 0 = none (white).
        classes: The class table.
        labels: (H, W) reference class ids, 0 = unlabelled (white).
        title: A line above all.
    """
    from matplotlib.patches import Patch

    panels = {"predicted": prediction}
    if labels is not None:
        panels["reference labels"] = labels
    shown = set(np.unique(np.stack(list(panels.values()))).tolist())
    # The legend needs its lines' height where the maps are flat.
    figure, axes = _map_axes(prediction.shape, len(panels), 1.7, 0.25 * (classes.count + 2))
    for axis, (name, values) in zip(axes, panels.items(), strict=True):
        axis.imshow(color_image(overview(values, _MAP_MOST), classes), interpolation="nearest")
        axis.set_title(name, fontsize=10)
    handles = [
        Patch(facecolor=color, edgecolor="black", linewidth=0.4, label=name)
        for class_id, name, color in zip(classes.ids, classes.names, classes.colors, strict=True)
        if class_id in shown
    ]
    handles.append(Patch(facecolor="white", edgecolor="black", linewidth=0.4, label="none"))
    figure.legend(handles=handles, loc="outside right center", frameon=False, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def entropy_figure(entropy: np.ndarray, title: str = "") -> Figure:
    """The uncertainty map with its scale.

    Args:
        entropy: (H, W) in [0, 1], NaN where there is no data (grey).
        title: A line above.
    """
    from matplotlib import colormaps

    figure, (axis,) = _map_axes(entropy.shape, 1, 1.0, 3.2)
    colors = colormaps["cividis"].with_extremes(bad="#bbbbbb")
    seen = overview(entropy, _MAP_MOST)
    image = axis.imshow(seen, cmap=colors, vmin=0.0, vmax=1.0, interpolation="nearest")
    bar = figure.colorbar(image, ax=axis, fraction=0.05, pad=0.03)
    bar.set_label("entropy of the class probabilities (1 = every class alike)", fontsize=9)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def confusion_figure(confusion: Sequence[Sequence[int]], classes: ClassTable) -> Figure:
    """The confusion matrix: colour is the share of the true class, text the number of pixels.

    Args:
        confusion: (K, K) counts, rows are the truth.
        classes: The class table.
    """
    from matplotlib.figure import Figure

    counts = np.asarray(confusion)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(2.6 + 0.62 * classes.count, _MATRIX_MOST)
    # Numbers as large as their cells allow; a digit is about 0.6 of its size wide.
    cell, digits = 72 * 0.7 * side / classes.count, len(str(counts.max()))
    text_size = min(8.0, 0.9 * cell / (0.6 * digits))
    figure = Figure(figsize=(side + 0.8, side), dpi=_MATRIX_DPI, layout="constrained")
    axis = figure.add_subplot()
    image = axis.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    axis.set_xticks(range(classes.count), classes.names, rotation=45, ha="right", fontsize=9)
    axis.set_yticks(range(classes.count), classes.names, fontsize=9)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    figure.colorbar(image, ax=axis, fraction=0.045, pad=0.03).set_label("share of the true class")
    if classes.count <= _CELL_TEXT_MOST:
        for row, column in np.argwhere(counts > 0):
            color = "white" if share[row, column] > 0.55 else "black"
            text = f"{counts[row, column]}"
            axis.text(column, row, text, ha="center", va="center", color=color, fontsize=text_size)
    return figure


def curves_figure(
    curves: Mapping[str, Sequence[tuple[int, float]]], title: str = "", per_panel: int = 7
) -> Figure:
    """Learning curves: one panel for each group of metrics, one line for each metric.

    Args:
        curves: (step, value) pairs by metric name; `train/loss_cnn` belongs to the panel
            `train/loss`, together with `train/loss` and the other `train/loss_...`.
        title: A line above all.
        per_panel: Most lines in a panel.
    """
    from matplotlib.figure import Figure

    groups: dict[str, list[str]] = {}
    for name in sorted(curves):
        members = groups.setdefault(_curve_group(name, curves), [])
        if len(members) < per_panel:
            members.append(name)
    columns = min(3, max(1, len(groups)))
    rows = -(-max(1, len(groups)) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.2 * rows), dpi=_CURVES_DPI, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, (group, lines) in zip(axes, groups.items(), strict=False):
        for index, name in enumerate(lines):
            points = _thinned(np.array(curves[name], float).reshape(-1, 2))
            axis.plot(
                points[:, 0],
                points[:, 1],
                linestyle=_LINE_STYLES[index % len(_LINE_STYLES)],
                color=_LINE_COLORS[index % len(_LINE_COLORS)],
                linewidth=1.4,
                marker="o" if len(points) == 1 else None,
                label=name.removeprefix(group).lstrip("_") or name.rsplit("/", 1)[-1],
            )
        axis.set_title(group, fontsize=10)
        axis.set_xlabel("step", fontsize=9)
        axis.grid(alpha=0.3)
        if len(lines) > 1:
            axis.legend(fontsize=8, frameon=False)
    for axis in axes[len(groups) :]:
        axis.set_axis_off()
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _thinned(points: np.ndarray) -> np.ndarray:
    """At most `_CURVE_POINTS` (step, value) pairs: means over stretches of equal length."""
    if len(points) <= _CURVE_POINTS:
        return points
    return np.stack([part.mean(axis=0) for part in np.array_split(points, _CURVE_POINTS)])


def _curve_group(name: str, curves: Mapping[str, Any]) -> str:
    """`train/loss` for `train/loss_cnn`: the longest stem that other names share."""
    folder, slash, metric = name.rpartition("/")
    words = metric.split("_")
    for count in range(len(words), 0, -1):
        stem = folder + slash + "_".join(words[:count])
        if sum(other == stem or other.startswith(stem + "_") for other in curves) > 1:
            return stem
    return name


def _map_axes(
    shape: tuple[int, ...], panels: int, margin: float, least_height: float
) -> tuple[Figure, list[Axes]]:
    """A figure with maps of (H, W) side by side and `margin` inches for what is to their right."""
    from matplotlib.figure import Figure

    height, width = shape
    scale = _PANEL / max(height, width)
    # A scene much wider than high has its panels stacked.
    stacked = panels > 1 and width > 1.6 * height
    rows, columns = (panels, 1) if stacked else (1, panels)
    size = (
        max(2.4, scale * width) * columns + margin,
        max((scale * height + 0.35) * rows + 0.35, least_height),
    )
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    return figure, axes
