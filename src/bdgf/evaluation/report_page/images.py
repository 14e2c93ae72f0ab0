"""Images in a page: palette PNGs of maps and SVGs of figures, as data URIs."""

from __future__ import annotations

import io
import math
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PIXELS = 640
"""Pixels of a map's longer side in a report: more is not seen, and makes it heavy."""
_PIXELATED_BELOW = 320  # pixels of the longer side: such a map is shown enlarged
_PALETTE = 255  # colours of a false-colour image
_CSS_PIXELS_PER_INCH = 96


def thinning(shape: Sequence[int], most: int = MOST_PIXELS) -> int:
    """The step n at which every n-th pixel is shown, so that no side of (H, W) exceeds `most`."""
    return max(1, math.ceil(max(shape) / most))


def is_small(shape: Sequence[int]) -> bool:
    """Whether a map of (H, W) is enlarged and its pixels are shown as squares."""
    return max(shape[:2]) < _PIXELATED_BELOW


def palette_png(values: np.ndarray, colors: Sequence[str]) -> str:
    """A map of categories or levels as a data URI.

    Args:
        values: (h, w) uint8 indices into `colors`.
        colors: `#rrggbb` each, 256 at most.
    """
    from PIL import Image

    height, width = values.shape
    image = Image.frombytes("P", (width, height), np.ascontiguousarray(values, np.uint8).tobytes())
    image.putpalette(bytes.fromhex("".join(color.removeprefix("#") for color in colors)))
    return _png(image)


def rgb_png(image: np.ndarray) -> str:
    """A false-colour image as a data URI, in 255 colours: a third of its bytes.

    Args:
        image: (h, w, 3) in 0..1.
    """
    from PIL import Image

    plain = Image.fromarray((255 * np.clip(image, 0, 1)).astype(np.uint8))
    return _png(plain.quantize(_PALETTE, dither=Image.Dither.NONE))


def svg(figure: Figure) -> tuple[str, tuple[int, int]]:
    """A figure as a data URI, letters as outlines, and its size in pixels of a page."""
    import matplotlib as mpl

    file = io.StringIO()
    # A fixed salt and no date: equal figures are equal bytes.
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "bdgf"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    width, height = (round(_CSS_PIXELS_PER_INCH * side) for side in figure.get_size_inches())
    return _uri("svg+xml", file.getvalue().encode()), (width, height)


def levels(name: str, count: int) -> list[str]:
    """`count` colours `#rrggbb` along one of Matplotlib's colour maps, the lowest first."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(color) for color in colormaps[name](np.linspace(0, 1, count))]


def _png(image: object) -> str:
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)  # type: ignore[attr-defined]
    return _uri("png", file.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode()}"
