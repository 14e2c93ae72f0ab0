"""The table of a whole run, and the details of what did not survive."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.faults.injections import Injection, Verdict

_HEADS = ("kind", "stage", "injected", "survived", "not survived", "left out", "lost s", "worst s")


@dataclass(frozen=True)
class Result:
    """One injection's end.

    Attributes:
        kind: As of the injection.
        stage: Likewise.
        fault: Likewise.
        verdict: None where time was short.
        why_left_out: Why there is no verdict.
        count: How many faults it stands for.
    """

    kind: str
    stage: str
    fault: str
    verdict: Verdict | None
    why_left_out: str = ""
    count: int = 1

    @classmethod
    def of(cls, injection: Injection, verdict: Verdict | None, why: str = "") -> Result:
        """The result of an injection."""
        injected = (injection.kind, injection.stage, injection.fault)
        return cls(*injected, verdict, why, injection.count)

    @property
    def name(self) -> str:
        """The injection's name."""
        return f"{self.kind}/{self.stage}/{self.fault}"


@dataclass(frozen=True)
class FaultRecord:
    """A whole run.

    Attributes:
        results: Of all injections, those left out too.
        seed: Of every draw.
        minutes: Wall time.
        notes: What else is to be known: kinds that are left out as a whole.
    """

    results: Sequence[Result]
    seed: int
    minutes: float
    notes: Sequence[str]

    @property
    def not_survived(self) -> list[Result]:
        """What did not."""
        return [r for r in self.results if r.verdict is not None and not r.verdict.survived]

    def table(self) -> str:
        """The table, as Markdown: a row a kind and stage, and one of all."""
        rows = [
            _row(*key, [r for r in self.results if (r.kind, r.stage) == key])
            for key in dict.fromkeys((r.kind, r.stage) for r in self.results)
        ]
        rows.append(_row("all", "", self.results))
        widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
        rule = ["-" * width for width in widths]
        return "\n".join(_line(row, widths) for row in (_HEADS, rule, *rows))

    def markdown(self) -> str:
        """Table, notes, and how to repeat what did not survive."""
        injected = sum(r.count for r in self.results if r.verdict is not None)
        parts = [
            f"{injected} faults in {self.minutes:.0f} "
            f"minutes, seed {self.seed}, Python {platform.python_version()}, {platform.system()}.",
            self.table(),
        ]
        out = sorted({(r.kind, r.why_left_out) for r in self.results if r.why_left_out})
        parts += [f"Left out ({kind}): {why}." for kind, why in out]
        parts += [*self.notes]
        for result in self.not_survived:
            assert result.verdict is not None
            faults = "\n".join(f"- {fault}" for fault in result.verdict.faults)
            repeat = f"python -m tests.faults --seed {self.seed} --only '{result.name}'"
            how = f" ({result.verdict.how})" if result.verdict.how else ""
            parts.append(f"**{result.name}**{how}\n{faults}\n- again: `{repeat}`")
        return "\n\n".join(parts) + "\n"

    def write(self, folder: Path) -> list[Path]:
        """Writes `faults.md` and `faults.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        text, data = folder / "faults.md", folder / "faults.json"
        text.write_text(self.markdown())
        data.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return [text, data]


def _row(kind: str, stage: str, results: Sequence[Result]) -> tuple[str, ...]:
    planned = sum(result.count for result in results)
    done = [(result.verdict, result.count) for result in results if result.verdict is not None]
    injected = sum(count for _, count in done)
    survived = sum(count for verdict, count in done if verdict.survived)
    lost = [v.lost_seconds for v, _ in done if v.lost_seconds is not None and v.survived]
    times = (f"{median(lost):.1f}", f"{max(lost):.1f}") if lost else ("", "")
    counts = (injected, survived, injected - survived, planned - injected)
    return (kind, stage, *map(str, counts), *times)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    texts, numbers = slice(0, 2), slice(2, None)
    cells = [cell.ljust(width) for cell, width in zip(row[texts], widths[texts], strict=True)]
    cells += [cell.rjust(width) for cell, width in zip(row[numbers], widths[numbers], strict=True)]
    return f"| {' | '.join(cells)} |"
