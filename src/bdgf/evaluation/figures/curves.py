"""Learning curves as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bdgf.evaluation.figures.marks import LINE_COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 80  # many small panels in one file
_PANEL = (4.6, 3.4)  # inches
_LINE_STYLES = ("-", "--", ":", "-.")
_POINTS = 150  # a longer curve is drawn as the means of so many stretches
_LEGEND_COLUMNS = 3
_LEGEND_WIDTH = 40  # characters of a line of a panel's legend


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

    groups = _panels(curves, per_panel)
    columns = min(3, max(1, len(groups)))
    rows = -(-max(1, len(groups)) // columns)
    size = (_PANEL[0] * columns, _PANEL[1] * rows + 0.4)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, (group, lines) in zip(axes, groups.items(), strict=False):
        _draw(axis, group, lines, curves)
        axis.set_title(_spoken(group), fontsize=10)
    for axis in axes[len(groups) :]:
        axis.set_axis_off()
    if not groups:
        axes[0].text(0.5, 0.5, "no curves: fitted at once", ha="center", va="center")
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def curve_panels(
    curves: Mapping[str, Sequence[tuple[int, float]]], per_panel: int = 7
) -> dict[str, Figure]:
    """The panels of `curves_figure` by title, each as a figure without a title."""
    from matplotlib.figure import Figure

    figures = {}
    for group, lines in _panels(curves, per_panel).items():
        figure = Figure(figsize=_PANEL, dpi=_DPI, layout="constrained")
        _draw(figure.add_subplot(), group, lines, curves)
        figures[_spoken(group)] = figure
    return figures


def _panels(
    curves: Mapping[str, Sequence[tuple[int, float]]], per_panel: int
) -> dict[str, list[str]]:
    known = [name for name in curves if len(curves[name])]
    return {name: lines[:per_panel] for name, lines in curve_groups(known).items()}


def _draw(
    axis: Axes, group: str, lines: Sequence[str], curves: Mapping[str, Sequence[tuple[int, float]]]
) -> None:
    labels = [_label(name, group) for name in lines]
    for index, name in enumerate(lines):
        points = _thinned(np.array(curves[name], float).reshape(-1, 2))
        axis.plot(
            points[:, 0],
            points[:, 1],
            linestyle=_LINE_STYLES[index % len(_LINE_STYLES)],
            color=LINE_COLORS[index % len(LINE_COLORS)],
            linewidth=1.4,
            marker="o" if len(points) == 1 else None,
            label=labels[index],
        )
    axis.set_xlabel("step", fontsize=9)
    axis.grid(alpha=0.3)
    if len(lines) > 1:  # below the panel, where it covers no curve
        wide = _LEGEND_WIDTH // max(len(label) + 5 for label in labels)
        axis.legend(
            fontsize=8,
            frameon=False,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.2),
            ncols=max(1, min(wide, _LEGEND_COLUMNS, len(lines))),
        )


def curve_groups(names: Sequence[str]) -> dict[str, list[str]]:
    """The names in each panel, grouped by their longest common stem.

    One that shares its stem with none that is left has a panel of its own whole name.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(_stem(name, names), []).append(name)
    return {members[0] if len(members) == 1 else stem: members for stem, members in groups.items()}


def _stem(name: str, names: Sequence[str]) -> str:
    folder, slash, metric = name.rpartition("/")
    words = metric.split("_")
    for count in range(len(words), 0, -1):
        stem = folder + slash + "_".join(words[:count])
        if sum(other == stem or other.startswith(stem + "_") for other in names) > 1:
            return stem
    return name


def _label(name: str, group: str) -> str:
    if name == group:  # beside its own parts it is their sum
        return "total" if group.endswith("loss") else "all"
    return name.removeprefix(group).lstrip("_").replace("_", " ")


def _spoken(name: str) -> str:
    part, slash, metric = name.rpartition("/")
    return f"{part}{': ' if slash else ''}{metric.replace('_', ' ')}"


def _thinned(points: np.ndarray) -> np.ndarray:
    """At most `_POINTS` (step, value) pairs: means over stretches of equal length."""
    if len(points) <= _POINTS:
        return points
    return np.stack([part.mean(axis=0) for part in np.array_split(points, _POINTS)])
