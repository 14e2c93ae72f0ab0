"""Regions of interest as ENVI writes them to text: a label map given by lists of pixels."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raw_array import RawArray

_DIMENSION = re.compile(r";\s*File Dimension:\s*(?P<columns>\d+)\s*x\s*(?P<rows>\d+)")
_POINTS = re.compile(r";\s*ROI npts:\s*(?P<count>\d+)")


def read_envi_roi(path: Path, variable: str | None) -> RawArray:
    """Reads a text file of regions as a (y, x) uint8 map.

    The regions are numbered 1, 2, ... in the order of the file, 0 lies in none; a pixel of several
    regions belongs to the last. ENVI counts X (column) and Y (row) from 1.

    Raises:
        SceneError: The file is no list of regions, or is cut short.
    """
    if variable is not None:
        raise SceneError(f"{path}: a text file of regions has no variables; leave out `variable`")
    text = path.read_text(encoding="utf-8", errors="replace")
    dimension = _DIMENSION.search(text)
    sizes = [int(match["count"]) for match in _POINTS.finditer(text)]
    if dimension is None or not sizes or len(sizes) > np.iinfo(np.uint8).max:
        raise SceneError(
            f"{path} is no ENVI text file of regions of interest: it lacks '; File Dimension:' or "
            "'; ROI npts:'; export the regions again, as text"
        )
    lines = (line for line in text.splitlines() if line.strip() and line.lstrip()[0] != ";")
    points = [line.split()[1:3] for line in lines]  # ID, X, Y, then what else was exported
    if len(points) != sum(sizes):
        raise SceneError(
            f"{path} is damaged: {len(points)} points of the {sum(sizes)} that it announces; "
            "copy or download it again"
        )
    labels = np.zeros((int(dimension["rows"]), int(dimension["columns"])), np.uint8)  # (y, x)
    columns, rows = np.array(points, dtype=np.int64).reshape(-1, 2).T - 1
    outside = (rows < 0) | (rows >= labels.shape[0]) | (columns < 0) | (columns >= labels.shape[1])
    if outside.any():
        raise SceneError(
            f"{path}: {outside.sum()} points lie outside its image of {labels.shape[0]}x"
            f"{labels.shape[1]} pixels; export the regions again"
        )
    labels[rows, columns] = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    return RawArray(labels, oriented=True)
