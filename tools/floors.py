"""Draws the house: its rooms floor by floor, and how many imports go from room to room.

    python -m tools.floors

The floors themselves are contracts of import-linter in pyproject.toml; `lint-imports` holds them.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import grimp

PACKAGE = "bdgf"
_PROJECT = Path(__file__).resolve().parents[1]


def floors() -> list[list[str]]:
    """Rooms of each floor, the highest first, as pyproject.toml states them."""
    project = tomllib.loads((_PROJECT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c.get("containers") == [PACKAGE])
    return [[room.strip() for room in layer.replace(":", "|").split("|")] for layer in layers]


def room_of(module: str) -> str:
    """The part of the package that a module belongs to; the package's own file is none."""
    return module.removeprefix(f"{PACKAGE}.").split(".")[0]


def arrows(graph: grimp.ImportGraph) -> Counter[tuple[str, str]]:
    """Imports from room to room, by (importer, imported)."""
    found: Counter[tuple[str, str]] = Counter()
    for module in graph.modules - {PACKAGE}:
        for imported in graph.find_modules_directly_imported_by(module) - {PACKAGE}:
            if room_of(module) != room_of(imported):
                found[room_of(module), room_of(imported)] += 1
    return found


def circles(found: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs of rooms that import one another."""
    return sorted((a, b) for a, b in found if a < b and (b, a) in found)


def _lines(folder: Path, room: str) -> tuple[int, int]:
    paths = sorted((folder / room).rglob("*.py")) or [folder / f"{room}.py"]
    return len(paths), sum(len(path.read_text().splitlines()) for path in paths)


def draw() -> str:
    """The whole drawing: a line a room, its files, its lines and what it imports."""
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found, known = arrows(graph), floors()
    rooms = sorted({room_of(module) for module in graph.modules - {PACKAGE}})
    others = [room for room in rooms if not any(room in floor for floor in known)]
    lines = []
    for number, floor in enumerate([*known, others]):
        for room in (room for room in floor if room in rooms):
            files, length = _lines(folder, room)
            below = ", ".join(f"{to} {n}" for (of, to), n in sorted(found.items()) if of == room)
            place = f"{len(known) - number:3}" if number < len(known) else "  -"
            lines.append(f"{place}  {room:18} {files:3} files {length:5} lines  -> {below or '-'}")
    both = ", ".join(f"{a} <-> {b}" for a, b in circles(found)) or "none"
    total = sum(_lines(folder, room)[1] for room in rooms)
    summary = f"{len(rooms)} rooms, {len(found)} arrows, {sum(found.values())} imports along them"
    return "\n".join([*lines, f"{summary}, {total} lines; rooms that import one another: {both}"])


if __name__ == "__main__":
    print(draw())
