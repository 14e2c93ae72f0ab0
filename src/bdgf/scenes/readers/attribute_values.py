"""Attributes as numbers or text, with remarks about unusual forms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Remarks:
    """Collects a reader's decisions and doubts for the user."""

    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def plain_name(name: object) -> str:
    """A name without case, spaces, underscores and hyphens."""
    return re.sub(r"[\s_\-]+", "", str(name)).lower()


def numbers(value: Any) -> np.ndarray | None:
    """(numbers,) of an attribute, text such as "-9999" or "{1, 2}" included; None if it has none.

    The dtype is that of the attribute, since CF's `valid_range` is understood by it.
    """
    array = np.ravel(np.asarray(value if value is not None else ()))
    if array.dtype.kind in "biuf":
        return array if array.size else None
    if array.dtype.kind not in "SUO":  # such as h5py's reference to another object, or a struct
        return None
    found = []
    for item in array:
        text = item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
        words = [word for word in re.split(r"[\s,;{}()\[\]\x00]+", text) if word]
        try:
            found += [_number(word) for word in words]
        except ValueError:
            return None
    return np.array(found) if found else None


def _number(word: str) -> float:
    """A whole number as int, so that it is told from a measure such as 1.0."""
    return int(word) if re.fullmatch(r"[+-]?\d{1,18}", word) else float(word)


def text(value: Any) -> str:
    """An attribute as text, "" if it is none."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.strip("\x00 ") if isinstance(value, str) else ""


def shown(value: Any) -> str:
    """An attribute in a message, short."""
    array = np.ravel(np.asarray(value))
    words = [text(item) or str(item) for item in array[:4]]
    return ", ".join(words)[:60] + (", ..." if array.size > 4 else "")
