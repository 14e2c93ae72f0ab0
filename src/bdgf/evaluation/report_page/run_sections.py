"""Report sections on the run: settings, timings, provenance."""

from __future__ import annotations

from bdgf.evaluation.report_page.map_result import RunFacts
from bdgf.evaluation.report_page.page import Block, Cell, Section, Table, Text

_SECONDS_A_MINUTE = 60


def run_sections(facts: RunFacts) -> list[Section]:
    """Settings that differ from their defaults, timings, provenance."""
    return [
        Section("Settings", [_settings(facts)]),
        Section("Timings", [_timings(facts)]),
        Section("Provenance", [_provenance(facts)]),
    ]


def _settings(facts: RunFacts) -> Block:
    if not facts.settings:
        return Text("All settings have their defaults.")
    rows = [list(setting) for setting in facts.settings]
    return Table(
        ["setting", "value", "default"],
        rows,
        texts=3,
        note="All other settings have their defaults.",
    )


def _timings(facts: RunFacts) -> Block:
    if not facts.seconds:
        return Text("Not measured in this run.")
    total = sum(facts.seconds.values())
    rows: list[list[Cell | str]] = [
        [name, Cell(_duration(seconds), share=seconds / total if total else 0.0)]
        for name, seconds in facts.seconds.items()
    ]
    rows.append(["all", _duration(total)])
    note = "Of this run, without reading and writing. What an earlier run made is not in it."
    return Table(["step", "wall time"], rows, note=note)


def _provenance(facts: RunFacts) -> Block:
    if not facts.provenance:
        return Text("Not known.")
    return Table(["", ""], [[name, text] for name, text in facts.provenance.items()], texts=2)


def _duration(seconds: float) -> str:
    if seconds < _SECONDS_A_MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _SECONDS_A_MINUTE)
    hours, minutes = divmod(minutes, _SECONDS_A_MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
