"""Common parts of figures: shortened names, class legends, scale bars."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bdgf.evaluation.ground import length_text, scale_bar_length

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

NAME_CHARACTERS = 26
"""Characters of a class's name in one line."""
LINE_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Colours that colour-blind readers tell apart (Okabe and Ito), for lines and bars."""
LEGEND_LINE = 0.21
"""Inches of a line of a legend."""
_BAR_HEIGHT = 0.012  # of the map's height
_NAME_LINES = 3


def wrapped(name: str, width: int = NAME_CHARACTERS) -> str:
    """A name wrapped to at most three lines; a longer one ends in three dots."""
    lines = textwrap.wrap(name, width, break_long_words=True) or [""]
    if len(lines) > _NAME_LINES:
        lines = [*lines[: _NAME_LINES - 1], f"{lines[_NAME_LINES - 1][: width - 3]}..."]
    return "\n".join(lines)


def lines_of(names: Iterable[str]) -> int:
    """Number of lines of the names when `wrapped`."""
    return sum(wrapped(name).count("\n") + 1 for name in names)


def class_patches(names: Sequence[str], colors: Sequence[str]) -> list[Patch]:
    """Legend handles: a framed field of the colour, and the name."""
    from matplotlib.patches import Patch

    return [
        Patch(facecolor=color, edgecolor="black", linewidth=0.4, label=wrapped(name))
        for name, color in zip(names, colors, strict=True)
    ]


def draw_scale_bar(axis: Axes, metres_per_column: float, shape: tuple[int, ...]) -> None:
    """A scale bar below a map's left corner.

    Args:
        axis: Where the map is drawn, one unit per pixel.
        metres_per_column: Width of a pixel.
        shape: (H, W) of the map.
    """
    from matplotlib.patches import Rectangle

    height, width = shape[:2]
    metres = scale_bar_length(metres_per_column * width)
    across = metres / metres_per_column / width
    # Below the map: nothing of it is covered, and black on white is read everywhere.
    thick = max(_BAR_HEIGHT, _BAR_HEIGHT * width / height)
    low = -2.5 * thick
    bar = Rectangle((0, low), across, thick, facecolor="black", edgecolor="none")
    bar.set(transform=axis.transAxes, clip_on=False)
    axis.add_patch(bar)
    axis.text(
        across + 0.015,
        low + thick / 2,
        length_text(metres),
        transform=axis.transAxes,
        va="center",
        fontsize=8,
    )
