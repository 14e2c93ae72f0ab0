"""Points in a plain text table: a header, then one line per point."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.vectors import ClassValue, Vectors

_SEPARATORS = (",", ";", "\t")


def read_point_table(path: Path, columns: Mapping[str, str]) -> Vectors:
    """Reads a table as points; the classes are names as they are written.

    Commas, semicolons or tabs part the columns, as the heading does. Where no comma does, it may be
    the decimal sign.

    Args:
        path: A text file in UTF-8 with a heading.
        columns: "x" and "y", and "class" where classes are wanted -> the column's name.

    Raises:
        VariableError: The heading lacks a column, or names it twice.
        SceneError: A line is no point, or there is none.
    """
    import shapely

    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SceneError(
            f"{path}: byte {error.start} is not UTF-8; save the table as text in UTF-8"
        ) from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=separator, strict=True)
    try:
        lines = [(reader.line_num, line) for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise SceneError(f"{path}, line {reader.line_num}: {error}; correct the table") from error
    if len(lines) < 2:
        raise SceneError(f"{path} holds no points: it needs a header and one line per point")
    heading = [cell.strip() for cell in lines[0][1]]
    at = {axis: _place(path, heading, name) for axis, name in columns.items()}
    places = np.empty((len(lines) - 1, 2))
    classes: list[ClassValue] = []
    for row, (number, cells) in enumerate(lines[1:]):
        if len(cells) != len(heading):
            raise SceneError(
                f"{path}, line {number}: {len(cells)} columns, but the header has "
                f"{len(heading)}; correct the table"
            )
        for position, axis in enumerate(("x", "y")):
            cell = cells[at[axis]].strip()
            places[row, position] = _number(path, number, columns[axis], cell, separator)
        classes.append((cells[at["class"]].strip() or None) if "class" in at else None)
    return Vectors(tuple(shapely.to_wkb(shapely.points(places)).tolist()), tuple(classes))


def _place(path: Path, heading: Sequence[str], name: str) -> int:
    if heading.count(name) != 1:
        what = "has no column" if name not in heading else "has several columns"
        raise VariableError(f"{path} {what} '{name}'; its header is: {', '.join(heading)}")
    return heading.index(name)


def _number(path: Path, line: int, column: str, cell: str, separator: str) -> float:
    try:
        number = float(cell if separator == "," else cell.replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SceneError(
            f"{path}, line {line}: '{cell}' in the column '{column}' is not a number; correct the "
            "table"
        )
    return number
