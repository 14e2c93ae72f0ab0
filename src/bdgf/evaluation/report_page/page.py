"""A report as one self-contained HTML file, without scripts or network, with embedded images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

_TEMPLATES = "bdgf.evaluation.report_page"


@dataclass(frozen=True)
class Cell:
    """A table cell with more than text.

    Attributes:
        text: What it says.
        share: Length of the bar behind the text, 0..1; None for no bar.
        color: `#rrggbb` of a field before the text, "" for none.
    """

    text: str
    share: float | None = None
    color: str = ""


@dataclass(frozen=True)
class ScaleBar:
    """A scale bar below a picture.

    Attributes:
        share: Its length as a share of the picture's width.
        text: The length that it stands for.
    """

    share: float
    text: str


@dataclass(frozen=True)
class Picture:
    """An image.

    Attributes:
        source: The image as a data URI.
        title: A line above.
        note: A line below.
        size: (width, height) in pixels at which it is shown at most.
        legend: (text, `#rrggbb`) of what its colours mean.
        scale_bar: A scale bar, if the ground is known.
        least_width: Pixels that it keeps on a narrow screen, where it is scrolled; 0 shrinks it.
        pixelated: Whether its pixels are shown as squares.
    """

    source: str
    title: str
    note: str = ""
    size: tuple[int, int] = (0, 0)
    legend: Sequence[tuple[str, str]] = ()
    scale_bar: ScaleBar | None = None
    least_width: int = 0
    pixelated: bool = False
    kind: str = field(default="picture", init=False)


@dataclass(frozen=True)
class Pictures:
    """Images side by side, wrapped to the screen.

    Attributes:
        pictures: The images.
        legend: (text, `#rrggbb`) that several of them share.
        as_large: Whether each is as wide as all others, else it has its own size.
    """

    pictures: Sequence[Picture]
    legend: Sequence[tuple[str, str]] = ()
    as_large: bool = True
    kind: str = field(default="pictures", init=False)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        head: The columns' names.
        rows: A cell a column.
        texts: How many columns from the left are text; numbers stand to the right.
        note: A line below.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    texts: int = 1
    note: str = ""
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Text:
    """A paragraph; also a placeholder for parts that a run does not have."""

    text: str
    kind: str = field(default="text", init=False)


Block = Picture | Pictures | Table | Text


@dataclass(frozen=True)
class Section:
    """A part of the report with a heading."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes:
        title: The heading.
        lead: A line below it.
        headline: (name, value, what it means) of the figures that are looked at first.
        sections: What follows.
        foot: The last line.
    """

    title: str
    lead: str
    headline: Sequence[tuple[str, str, str]]
    sections: Sequence[Section]
    foot: str = ""


def render(page: Page) -> str:
    """The HTML of a report."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(page=page)
