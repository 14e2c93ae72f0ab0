"""Help texts of commands are plain text: an asterisk in one is an asterisk."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Escapes what sphinx-click would hand on as markup."""
    app.setup_extension("sphinx_click")
    for part in ("description", "options", "arguments"):
        app.connect(f"sphinx-click-process-{part}", _escape)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _escape(app: Sphinx, context: Any, lines: list[str]) -> None:
    lines[:] = [line.replace("*", "\\*") for line in lines]
