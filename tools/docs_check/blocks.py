"""The blocks of a page that are typed, run or written, in their order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_MARKER = re.compile(r"^<!-- docs-check: (?P<word>file|skip) (?P<rest>.+?) -->$")
_FENCE = re.compile(r"^```(?P<language>[a-z]*)$")
_RUN = {"sh", "python"}


class MarkerError(ValueError):
    """A marker stands before no block, or says nothing that is known."""


@dataclass(frozen=True)
class Block:
    """A fenced block that is to be checked.

    Attributes:
        kind: `sh` is typed, `python` is run, `file` is written, `skip` is left out.
        text: What is in it.
        line: Its first line in the page, from 1.
        told: The path of a `file`, the reason of a `skip`.
    """

    kind: Literal["sh", "python", "file", "skip"]
    text: str
    line: int
    told: str = ""


def blocks(page: str) -> list[Block]:
    """The blocks of a Markdown page.

    Every block fenced as `sh` or `python` counts. `<!-- docs-check: skip (why) -->` on the line
    before leaves it out; `<!-- docs-check: file PATH -->` before any block writes it to PATH.
    Indented commands are examples and count for nothing.

    Args:
        page: The page.

    Raises:
        MarkerError: A marker cannot be understood.
    """
    found: list[Block] = []
    marker: tuple[str, str] | None = None
    opened: tuple[str, int] | None = None
    text: list[str] = []
    for number, line in enumerate(page.splitlines(), 1):
        if opened is not None:
            if line != "```":
                text.append(line)
                continue
            if block := _block(*opened, "\n".join(text) + "\n", marker):
                found.append(block)
            opened, marker, text = None, None, []
        elif fence := _FENCE.match(line):
            opened = fence["language"], number + 1
        elif marker is not None and line.strip():
            raise MarkerError(f"line {number - 1}: the marker stands before no block")
        elif line.startswith("<!-- docs-check"):
            told = _MARKER.match(line)
            if told is None:
                raise MarkerError(f"line {number}: say `file PATH` or `skip (why)`, not {line}")
            marker = told["word"], told["rest"].strip("()")
    if marker is not None:
        raise MarkerError("the last marker stands before no block")
    return found


def _block(language: str, line: int, text: str, marker: tuple[str, str] | None) -> Block | None:
    if marker is not None:
        return Block("file" if marker[0] == "file" else "skip", text, line, marker[1])
    if language == "sh":
        return Block("sh", text, line)
    return Block("python", text, line) if language in _RUN else None
