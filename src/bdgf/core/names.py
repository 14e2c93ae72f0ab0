"""Names that become folders and files: they must not point elsewhere."""

from __future__ import annotations

_MOST = 100  # characters; file systems take 255 bytes, and names get endings
_SEPARATORS = "/\\:@"  # of one system or another; of a scene and an environment


def name_problem(name: str) -> str | None:
    """Why a name cannot be a folder inside `data/`; None if it can.

    Letters of any alphabet, digits, spaces and most signs may stand in it.
    """
    if not name or len(name) > _MOST:
        return f"has {len(name)} characters and must have 1 to {_MOST}"
    if name.startswith(".") or name != name.strip():
        return "begins with a dot, or begins or ends with a space"
    if any(sign in name for sign in _SEPARATORS) or not name.isprintable():
        return f"holds a sign that parts folders ({' '.join(_SEPARATORS)}) or cannot be printed"
    return None
