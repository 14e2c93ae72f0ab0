"""What a part finds, kept in a file from its first line on: a part that is cut keeps it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Setting:
    """What every part is told.

    Attributes:
        device: "cuda", or "cpu" for a rehearsal without a GPU.
        tiny: Whether sizes and lengths are those of a rehearsal.
        folder: Where the results go.
        seconds: Time that the part has.
    """

    device: str
    tiny: bool
    folder: Path
    seconds: float = math.inf


@dataclass
class Record:
    """What a part found so far.

    Attributes:
        path: Its file, written anew after every entry.
        entries: `checks`, `notes` by name, `tables` by name.
    """

    path: Path
    entries: dict[str, Any] = field(
        default_factory=lambda: {"checks": [], "notes": {}, "tables": {}}
    )

    def check(self, name: str, error: float, tolerance: float, mode: str = "") -> None:
        """Notes a difference and whether it is small enough; NaN never is.

        Args:
            name: What was compared.
            error: How far it was off.
            tolerance: The most that is allowed.
            mode: The arithmetic.
        """
        error = float(error) if math.isfinite(error) else sys.float_info.max  # JSON knows no NaN
        met = error <= tolerance
        self.entries["checks"].append(
            {"name": name, "mode": mode, "error": error, "tolerance": tolerance, "met": met}
        )
        self._save()
        mark = "ok" if met else "NOT EQUAL"
        print(f"  {name} [{mode}]: {error:.2e} of {tolerance:.0e} {mark}", flush=True)

    def note(self, name: str, value: Any) -> None:
        """Keeps a value that nothing is asked of."""
        self.entries["notes"][name] = value
        self._save()
        print(f"  {name}: {value}", flush=True)

    def row(self, table: str, **cells: Any) -> None:
        """Adds a row to a table."""
        self.entries["tables"].setdefault(table, []).append(cells)
        self._save()
        print(f"  {table}: {cells}", flush=True)

    def lines(self, lines: list[str]) -> None:
        """Keeps finished lines of Markdown in place of the earlier ones."""
        self.entries["lines"] = lines
        self._save()

    def _save(self) -> None:
        write_whole(self.path, json.dumps(self.entries))


PartFunction = Callable[[Setting, Record], None]


def write_whole(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(text)
    partial.replace(path)
