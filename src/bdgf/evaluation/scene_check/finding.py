"""One problem of a scene and its remedy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A warning of the check.

    Attributes:
        kind: What sort it is, a word for programs: docs/how_to/scene_check.md lists them.
        text: One line: what, where, what to do.
    """

    kind: str
    text: str
