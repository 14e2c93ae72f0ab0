"""The report: `gpu_check.json` with everything, `gpu_check.md` to be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.record import write_whole


def write(folder: Path, found: Mapping[str, Any]) -> None:
    """Writes both files, each whole or not at all."""
    write_whole(folder / "gpu_check.json", json.dumps(found, indent=1) + "\n")
    write_whole(folder / "gpu_check.md", "\n".join(lines(found)) + "\n")


def lines(found: Mapping[str, Any]) -> list[str]:
    """The report as Markdown."""
    parts: Mapping[str, Any] = found["parts"]
    told = ["# GPU check", "", _head(found), "", *_table(_states(parts))]
    for name, part in parts.items():
        inside = [*_checks(part), *_tables(part), *part.get("lines", []), *_error(part)]
        if inside:
            told += ["", f"## {name}", "", *inside]
    return told


def _head(found: Mapping[str, Any]) -> str:
    machine = found["machine"]
    verdict = {True: "All equality parts passed.", False: "**Not all equality parts passed.**"}
    facts = [f"{key} {machine[key]}" for key in ("gpu", "processor", "cores") if key in machine]
    if "torch" in machine:
        facts.append(f"torch {machine['torch']}")
    return f"{verdict.get(found['passed'], 'Not complete.')} On {'; '.join(facts)}."


def _states(parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name, part in parts.items():
        checks = part.get("checks", [])
        rows.append(
            {
                "part": name,
                "state": part["state"],
                "seconds": part.get("seconds", ""),
                "checks met": f"{sum(c['met'] for c in checks)} of {len(checks)}",
                "why": part.get("reason") or part.get("error", {}).get("type", ""),
            }
        )
    return rows


def _checks(part: Mapping[str, Any]) -> list[str]:
    marks = {True: "yes", False: "**no**"}
    rows = [
        {
            "what": check["name"],
            "arithmetic": check["mode"],
            "difference": f"{check['error']:.2g}",
            "at most": f"{check['tolerance']:.2g}",
            "met": marks[check["met"]],
        }
        for check in part.get("checks", [])
    ]
    return _table(rows)


def _tables(part: Mapping[str, Any]) -> list[str]:
    told: list[str] = []
    for rows in part.get("tables", {}).values():
        told += [*_table(rows), ""]
    return told


def _error(part: Mapping[str, Any]) -> list[str]:
    if "error" not in part:
        return []
    error = part["error"]
    return [
        "",
        f"{error['type']}: {error['message']}",
        "",
        "```",
        *error.get("traceback", []),
        "```",
    ]


def _table(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_cell(row.get(name, "")) for name in names] for row in rows]
    return [f"| {' | '.join(line)} |" for line in (names, ["---"] * len(names), *cells)]


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "/").replace("\n", " ")
