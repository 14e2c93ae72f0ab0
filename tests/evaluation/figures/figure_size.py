"""What a figure takes as a file."""

import io
import re

from bdgf.scenes.classes import ClassTable

NUMBER = re.compile(r"[\u2212\d.]+")
"""Labels of ticks: Matplotlib holds some beyond the ends, which it does not draw."""
MOST_BYTES = 300_000
LONG = "Industrial, commercial, public, military and private units"


def png_size(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return len(file.getvalue())


def classes(count=6):
    return ClassTable.of([f"land cover {i}" for i in range(count)])


def long_classes(count):
    return ClassTable.of([f"{LONG} {i}" for i in range(count)])


def outside(figure):
    """Texts that are not within the figure, which would be cut off in the file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    page, found = figure.bbox, []
    for text in figure.findobj(lambda artist: hasattr(artist, "get_text")):
        box = text.get_window_extent(canvas.get_renderer())
        if not text.get_visible() or not box.width or NUMBER.fullmatch(text.get_text()):
            continue
        if box.x0 < -1 or box.y0 < -1 or box.x1 > page.x1 + 1 or box.y1 > page.y1 + 1:
            found.append(text.get_text())
    return found
