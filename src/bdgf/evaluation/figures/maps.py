"""Maps as figures: classes and their reference, uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bdgf.evaluation.figures.marks import LEGEND_LINE, class_patches, draw_scale_bar, lines_of
from bdgf.evaluation.maps import color_image, overview
from bdgf.scenes.classes import ClassTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 130
_PANEL = 5.0  # inches of a map's longer side
_MAP_MOST = 2600  # pixels of a map's longer side that are drawn: four to a dot of the panel
_LEGEND_WIDTH, _LEGEND_CHARACTER = 0.6, 0.075  # inches beside the names, and of a letter
_TITLE_CHARACTERS_PER_INCH = 11


def class_map_figure(
    prediction: np.ndarray,
    classes: ClassTable,
    labels: np.ndarray | None = None,
    title: str = "",
    metres_per_column: float | None = None,
) -> Figure:
    """The coloured class map with its legend, next to the reference labels where given.

    Args:
        prediction: (H, W) class ids, 0 = none (white).
        classes: The class table.
        labels: (H, W) reference class ids, 0 = unlabelled (white).
        title: A line above all.
        metres_per_column: Width of a pixel, for a scale bar; None where it is not known.
    """
    panels = {"predicted": prediction}
    if labels is not None:
        panels["reference labels"] = labels
    shown = set(np.unique(np.stack(list(panels.values()))).tolist())
    present = [i for i in classes.ids if i in shown]
    names = [*(classes.name(i) for i in present), "none"]
    colors = [*(classes.colors[i - 1] for i in present), "#ffffff"]
    handles = class_patches(names, colors)
    longest = max(len(line) for h in handles for line in str(h.get_label()).split("\n"))
    # The legend needs its lines' height where the maps are flat.
    figure, axes = _map_axes(
        prediction.shape,
        len(panels),
        _LEGEND_WIDTH + _LEGEND_CHARACTER * longest,
        LEGEND_LINE * (lines_of(names) + 3),
    )
    for axis, (name, values) in zip(axes, panels.items(), strict=True):
        axis.imshow(color_image(overview(values, _MAP_MOST), classes), interpolation="nearest")
        axis.set_title(name, fontsize=10)
    if metres_per_column is not None:
        draw_scale_bar(axes[0], metres_per_column, prediction.shape)
    figure.legend(handles=handles, loc="outside right center", frameon=False, fontsize=9)
    _set_title(figure, title)
    return figure


def entropy_figure(
    entropy: np.ndarray, title: str = "", metres_per_column: float | None = None
) -> Figure:
    """The uncertainty map with its scale.

    Args:
        entropy: (H, W) in [0, 1], NaN where there is no data (white).
        title: A line above.
        metres_per_column: Width of a pixel, for a scale bar; None where it is not known.
    """
    from matplotlib import colormaps

    figure, (axis,) = _map_axes(entropy.shape, 1, 1.0, 3.2)
    colors = colormaps["viridis"].with_extremes(bad="#ffffff")
    seen = overview(entropy, _MAP_MOST)
    image = axis.imshow(seen, cmap=colors, vmin=0.0, vmax=1.0, interpolation="nearest")
    bar = figure.colorbar(image, ax=axis, fraction=0.05, pad=0.03)
    bar.set_label("entropy of the class probabilities\n(1 = all classes equal)", fontsize=9)
    if metres_per_column is not None:
        draw_scale_bar(axis, metres_per_column, entropy.shape)
    _set_title(figure, title)
    return figure


def _set_title(figure: Figure, title: str) -> None:
    # Matplotlib cuts a title that is wider than its figure.
    if title:
        import textwrap

        width = max(int(_TITLE_CHARACTERS_PER_INCH * figure.get_figwidth()), 20)
        figure.suptitle("\n".join(textwrap.wrap(title, width)), fontsize=11)


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
        max((scale * height + 0.5) * rows + 0.35, least_height),
    )
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    return figure, axes
