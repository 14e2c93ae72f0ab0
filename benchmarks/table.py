"""The comparisons as one Markdown table, and as JSON with every single value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.comparison import Comparison
from benchmarks.machine import Rates


def write(
    folder: Path,
    name: str,
    title: str,
    machine: Mapping[str, object],
    rates: Rates | None,
    comparisons: Sequence[Comparison],
) -> None:
    """Writes `<name>.md` and `<name>.json` into a folder, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "machine": dict(machine),
        "rates": asdict(rates) if rates else None,
        "comparisons": [_record(comparison) for comparison in comparisons],
    }
    texts = {
        f"{name}.md": "\n".join(
            [f"# {title}", "", *_head(machine, rates), "", *lines(comparisons)]
        ),
        f"{name}.json": json.dumps(record, indent=1),
    }
    for file, text in texts.items():
        partial = folder / f"{file}.part"
        partial.write_text(text + "\n")
        partial.replace(folder / file)


def lines(comparisons: Sequence[Comparison]) -> list[str]:
    """The table, and its notes below it."""
    table = [
        "| task | how | median | times better | floor | target |",
        "|---|---|---|---|---|---|",
    ]
    notes: list[str] = []
    for comparison in comparisons:
        if comparison.note and comparison.note not in notes:
            notes.append(comparison.note)
        mark = f" [{notes.index(comparison.note) + 1}]" if comparison.note else ""
        names = list(comparison.values)
        for name in names:
            first, last = name == names[0], name == names[-1]
            cells = [
                comparison.task + mark if first else "",
                name,
                f"{number(comparison.median(name))} {comparison.unit}",
                "" if first or not comparison.rivals else f"{number(comparison.ratio(name))}x",
                _floor(comparison) if last else "",
                _target(comparison) if last else "",
            ]
            table.append(f"| {' | '.join(cells)} |")
    return [*table, "", *(f"{i}. {note}" for i, note in enumerate(notes, 1))]


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:#.3g}".rstrip(".") if value else "0"


def _record(comparison: Comparison) -> dict[str, object]:
    record = asdict(comparison)
    record["medians"] = {name: comparison.median(name) for name in comparison.values}
    if comparison.rivals:
        record["times_better"] = {name: comparison.ratio(name) for name in comparison.values}
    record["met"] = comparison.met()
    return record


def _floor(comparison: Comparison) -> str:
    if comparison.floor is None:
        return ""
    return f"{number(comparison.floor)} {comparison.unit} ({comparison.bound})"


def _target(comparison: Comparison) -> str:
    if comparison.target is not None:
        wanted = f"{number(comparison.target)}x"
    elif comparison.limit is not None:
        sign = "at least" if comparison.more_is_better else "at most"
        wanted = f"{sign} {number(comparison.limit)} {comparison.unit}"
    else:
        return ""
    return f"{wanted}: {'met' if comparison.met() else '**not met**'}"


def _head(machine: Mapping[str, object], rates: Rates | None) -> list[str]:
    versions = machine["versions"]
    assert isinstance(versions, Mapping)
    facts = [
        f"{key.replace('_', ' ')} {value}" for key, value in machine.items() if key != "versions"
    ]
    head = [
        "; ".join(facts) + ".",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
    ]
    if rates:
        head.append(
            f"Measured in this run, {machine['threads']} threads: "
            f"{rates.operations / 1e9:.0f} G multiply-adds/s in registers, "
            f"{rates.matrix / 1e9:.0f} Gflop/s of matrix products in float32 and "
            f"{rates.matrix_bfloat16 / 1e9:.0f} in bfloat16, {rates.bytes / 1e9:.1f} GB/s copied."
        )
    return head
