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
# Inches, here and below. Fixed margins: to measure all letters takes as long as to draw them.
_PANEL = (4.6, 3.4)
_LEFT, _RIGHT, _TOP = 0.75, 0.15, 0.4
_BELOW, _LEGEND_LINE = 0.6, 0.17
_SUPTITLE = 0.4
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
    figure = Figure(figsize=(_PANEL[0] * columns, _PANEL[1] * rows + _SUPTITLE), dpi=_DPI)
    for index, (group, lines) in enumerate(groups.items()):
        row, column = divmod(index, columns)
        corner = (_PANEL[0] * column, _PANEL[1] * (rows - 1 - row))
        _draw(figure, corner, group, lines, curves).set_title(_spoken(group), fontsize=10)
    if not groups:
        figure.text(0.5, 0.5, "no curves: fitted at once", ha="center", va="center")
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
        figure = Figure(figsize=(_PANEL[0], _PANEL[1] - _TOP / 2), dpi=_DPI)
        _draw(figure, (0, 0), group, lines, curves)
        figures[_spoken(group)] = figure
    return figures


def _panels(
    curves: Mapping[str, Sequence[tuple[int, float]]], per_panel: int
) -> dict[str, list[str]]:
    known = [name for name in curves if len(curves[name])]
    return {name: lines[:per_panel] for name, lines in curve_groups(known).items()}


def _draw(
    figure: Figure,
    corner: tuple[float, float],
    group: str,
    lines: Sequence[str],
    curves: Mapping[str, Sequence[tuple[int, float]]],
) -> Axes:
    """A panel whose lower left corner is so many inches from that of the figure."""
    labels = [_label(name, group) for name in lines]
    wide = _LEGEND_WIDTH // max(len(label) + 5 for label in labels)
    columns = max(1, min(wide, _LEGEND_COLUMNS, len(lines)))
    rows = -(-len(lines) // columns) if len(lines) > 1 else 0
    axis = _axes(figure, corner, _BELOW + _LEGEND_LINE * rows)
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
    if rows:  # below the panel, where it covers no curve
        height = axis.get_position().height * figure.get_figheight()
        axis.legend(
            fontsize=8,
            frameon=False,
            loc="upper center",
            bbox_to_anchor=(0.5, -(_BELOW - 0.1) / height),
            borderaxespad=0,
            ncols=columns,
        )
    return axis


def _axes(figure: Figure, corner: tuple[float, float], below: float) -> Axes:
    """The axes of a panel, above what stands `below` them in inches."""
    width, height = figure.get_size_inches()
    panel = min(_PANEL[1], height)
    return figure.add_axes(
        (
            (corner[0] + _LEFT) / width,
            (corner[1] + below) / height,
            (_PANEL[0] - _LEFT - _RIGHT) / width,
            (panel - below - _TOP + (_PANEL[1] - panel)) / height,
        )
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
