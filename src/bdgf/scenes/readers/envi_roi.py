"""ENVI regions of interest as text: a label map given by lists of pixels."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.envi import decode
from bdgf.scenes.readers.raw_array import RawArray, X, Y
from bdgf.scenes.readers.reading_limits import check_declared

_DIMENSION = re.compile(r"\s*File Dimensions?\s*:\s*(\d+)\s*x\s*(\d+)", re.IGNORECASE)
_NAME = re.compile(r"\s*ROI name\s*:(.*)", re.IGNORECASE)
_COUNT = re.compile(r"\s*ROI npts\s*:\s*(\d+)", re.IGNORECASE)
_EXPORT = "export the regions again, as text with the pixels' positions (ID, X and Y)"
_BLOCKS = re.compile(r"\s*Number of ROIs\s*:\s*(\d+)", re.IGNORECASE)
_MOST = 255  # regions: labels are uint8


@dataclass
class _Text:
    """What a file says.

    Attributes:
        shape: Rows and columns of the image.
        blocks: How many blocks are announced.
        names: One a block of points.
        sizes: Points of each block, as announced.
        lines: Line number, heading in force and fields of each point.
    """

    shape: tuple[int, int] | None = None
    blocks: int | None = None
    names: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    lines: list[tuple[int, tuple[str, ...] | None, list[str]]] = field(default_factory=list)


def read_envi_roi(path: Path, variable: str | None) -> RawArray:
    """Reads a text file of regions as a (y, x) uint8 map.

    The regions are numbered 1, 2, ... in the order of their names in the file, 0 lies in none; a
    pixel of several regions lies in none either, and is a doubt. The heading says which columns
    are X (column) and Y (row), which ENVI counts from 1.

    Raises:
        SceneError: The file is no list of regions, is cut short, or does not give positions.
    """
    if variable is not None:
        raise SceneError(f"{path}: a text file of regions has no variables; leave out `variable`")
    check_declared(path, "its text", (path.stat().st_size,), 1)
    text = _parse(decode(path.read_bytes()))
    regions = tuple(dict.fromkeys(text.names))
    if text.shape is None or not text.sizes or len(regions) > _MOST:
        lacks = (
            f"has {len(regions)} regions, more than {_MOST}"
            if len(regions) > _MOST
            else "lacks '; File Dimension:' or '; ROI npts:'"
        )
        raise SceneError(
            f"{path} is not an ENVI text file of regions of interest: it {lacks}; {_EXPORT}"
        )
    if len(text.lines) != sum(text.sizes):
        raise SceneError(
            f"{path} is damaged: {len(text.lines)} points of the {sum(text.sizes)} that it "
            "announces; copy or download it again"
        )
    if text.blocks not in (None, len(text.sizes)):
        raise SceneError(
            f"{path} is damaged: {len(text.sizes)} regions of the {text.blocks} that it announces; "
            "copy or download it again"
        )
    numbers = np.repeat([regions.index(name) + 1 for name in text.names], text.sizes)
    places = _places(path, text)
    labels, doubts = _label_map(path, text.shape, places, numbers, regions)
    return RawArray(labels, axes=(Y, X), regions=regions, doubts=doubts)


def _parse(content: str) -> _Text:
    text, heading, name = _Text(), None, ""
    for number, line in enumerate(content.splitlines(), start=1):
        stripped = line.strip()
        if not stripped.startswith(";"):
            if stripped:
                text.lines.append((number, heading, stripped.replace(",", " ").split()))
            continue
        comment = stripped[1:]
        if match := _DIMENSION.match(comment):
            text.shape = int(match[2]), int(match[1])
        elif match := _BLOCKS.match(comment):
            text.blocks = int(match[1])
        elif match := _NAME.match(comment):
            name = match[1].strip()
        elif match := _COUNT.match(comment):
            text.names.append(name or f"region {len(text.names) + 1}")
            text.sizes.append(int(match[1]))
            name = ""
        else:
            heading = _heading(comment) or heading
    return text


def _heading(comment: str) -> tuple[str, ...] | None:
    """The columns' names in lower case, "map x" in one; None of another comment."""
    words = comment.lower().replace(",", " ")
    names = tuple(re.sub(r"\bmap\s+([xy])\b", r"map-\1", words).split())
    pairs = ({"x", "y"}, {"map-x", "map-y"}, {"lat", "lon"})
    if ":" in comment or not any(pair <= set(names) for pair in pairs):
        return None
    return names


def _places(path: Path, text: _Text) -> np.ndarray:
    """(point, 2) int64: X and Y of each point, counted from 1."""
    without = any(heading is None for _, heading, _ in text.lines)
    if without and not _counts_in_blocks(text):
        raise SceneError(
            f"{path} has no header that names its columns ('; ID X Y'), and its first column does "
            f"not count the points of each region; {_EXPORT}"
        )
    places = np.empty((len(text.lines), 2), np.int64)
    for point, (number, heading, fields) in enumerate(text.lines):
        names = heading or ("id", "x", "y")
        if not {"x", "y"} <= set(names):
            raise SceneError(
                f"{path} gives map coordinates only (columns {', '.join(names)}), no positions of "
                f"pixels; {_EXPORT}"
            )
        if len(fields) < 3 if heading is None else len(fields) != len(names):
            raise SceneError(
                f"{path}, line {number}: {len(fields)} columns, but the header names "
                f"{len(names)} ({', '.join(names)}); {_EXPORT}"
            )
        for axis, name in enumerate(("x", "y")):
            places[point, axis] = _whole(path, number, fields[names.index(name)])
    return places


def _counts_in_blocks(text: _Text) -> bool:
    """Whether the first of at least three columns counts 1, 2, ... in every region."""
    fields = [fields for _, _, fields in text.lines]
    expected = [str(i) for size in text.sizes for i in range(1, size + 1)]
    return all(len(f) >= 3 for f in fields) and [f[0] for f in fields] == expected


def _whole(path: Path, line: int, value: str) -> int:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not number.is_integer():
        raise SceneError(f"{path}, line {line}: '{value}' is not a pixel position; {_EXPORT}")
    return int(number)


def _label_map(
    path: Path,
    shape: tuple[int, int],
    places: np.ndarray,
    numbers: np.ndarray,
    regions: tuple[str, ...],
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(y, x) uint8 map of the regions' numbers, and doubts."""
    columns, rows = places.T - 1
    outside = (rows < 0) | (rows >= shape[0]) | (columns < 0) | (columns >= shape[1])
    if outside.any():
        raise SceneError(
            f"{path}: {outside.sum()} points lie outside its image of {shape[0]}x{shape[1]} "
            "pixels; export the regions again"
        )
    check_declared(path, "'; File Dimension:'", shape, np.dtype(np.uint8))
    pixels = rows * shape[1] + columns
    distinct = np.unique(np.stack([pixels, numbers], axis=1), axis=0)  # (n, 2): pixel, region
    labels = np.zeros(shape[0] * shape[1], np.uint8)
    labels[distinct[:, 0]] = distinct[:, 1]
    where, counts = np.unique(distinct[:, 0], return_counts=True)
    shared = where[counts > 1]
    labels[shared] = 0
    if not shared.size:
        return labels.reshape(shape), ()
    involved = Counter(distinct[np.isin(distinct[:, 0], shared), 1].tolist())
    names = ", ".join(f"{regions[i - 1]} {n}" for i, n in sorted(involved.items()))
    doubt = (
        f"{shared.size} pixels lie in several regions ({names}) and count as unlabelled; "
        "correct the regions if they are meant for one of them"
    )
    return labels.reshape(shape), (doubt,)
