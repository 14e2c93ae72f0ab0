"""From records to tables on disk: CSV, JSON, and a Markdown document that keeps its own text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bdgf.core.storage import written_whole
from bdgf.experiments.comparison import MEASURES, difference_table, summary_table
from bdgf.experiments.damage_table import damage_markdown
from bdgf.experiments.markdown import comparison_markdown
from bdgf.experiments.published import published
from bdgf.experiments.records import PixelCorrectness, Record, RecordFolder, outcome
from bdgf.experiments.suite import PlannedRun, Suite

TOGETHER = "all scenes"
"""What stands for the scene in the table over all of them."""


@dataclass(frozen=True)
class BestRow:
    """The row of a table with the highest mean OA.

    Attributes:
        variant: Its name.
        means: Mean of every measure, by the measure's name.
    """

    variant: str
    means: dict[str, float]

    @classmethod
    def of(cls, summary: pd.DataFrame) -> BestRow:
        """Of the table that `summary_table` makes."""
        row = summary.iloc[int(summary["overall_accuracy_mean"].to_numpy().argmax())]
        return cls(str(row["variant"]), {name: float(row[f"{name}_mean"]) for name in MEASURES})


@dataclass(frozen=True)
class SuiteTable:
    """A suite's tables on one scene, or on all of them together.

    Attributes:
        key: Names the tables: the suite, the scene, and the environment where it is not the
            default one.
        markdown: The tables as Markdown, under a line that says what they are of.
        csv: One line a variant.
        best: The row with the highest mean OA.
        runs: Variant, record and test pixels of every run in them.
        suite: The suite's name.
        head: The line that says what the tables are of.
        summary: From `summary_table`.
        differences: From `difference_table`.
        groups: Variant -> name of the group that it belongs to.
        reference: The variant that the others are compared with.
    """

    key: str
    markdown: str
    csv: str
    best: BestRow
    runs: list[tuple[str, Record, PixelCorrectness]]
    suite: str
    head: str
    summary: pd.DataFrame
    differences: pd.DataFrame
    groups: dict[str, str]
    reference: str


def suite_tables(
    suite: Suite,
    plan: Sequence[PlannedRun],
    records: RecordFolder,
    reference: str,
    command: str,
    env: str | None = None,
) -> list[SuiteTable]:
    """The tables of one suite: one a scene, and one of all where there are several.

    Args:
        suite: The suite.
        plan: Its runs.
        records: Where finished runs are recorded.
        reference: The variant to compare with.
        command: What makes the tables, for who wants them again.
        env: Kedro's environment where it is not the default one.

    Returns:
        The tables; none of a scene without finished runs.
    """
    found = [(run, records.read(run.fingerprint)) for run in plan]
    scenes = list(dict.fromkeys(run.scene for run in plan))
    parts = {scene: [pair for pair in found if pair[0].scene == scene] for scene in scenes}
    parts = {scene: part for scene, part in parts.items() if any(r for _, r in part)}
    if len(parts) > 1:
        parts[TOGETHER] = [pair for part in parts.values() for pair in part]
    tables = []
    for scene, part in parts.items():
        finished = [(run.variant, *kept) for run, kept in part if kept]
        outcomes = [outcome(*run) for run in finished]
        variants = [variant.name for variant in suite.variants]
        summary = summary_table(outcomes, variants)
        differences = difference_table(outcomes, variants, reference)
        groups = {variant.name: variant.group for variant in suite.variants}
        damage = damage_markdown([(variant, record) for variant, record, _ in finished], groups)
        compared = comparison_markdown(summary, differences, groups, reference)
        body = "\n\n".join(filter(None, [compared, damage]))
        told = _told([r for _, r, _ in finished], len(part))
        names = [plan[0].suite, scene.replace(" ", "_"), *([env] if env else [])]
        merged = (
            summary.merge(differences, on="variant", how="left") if len(differences) else summary
        )
        csv = pd.DataFrame(merged).to_csv(index=False, float_format="%.6g")
        tables.append(
            SuiteTable(
                key="_".join(names),
                markdown=f"`{command}`: {told}.\n\n{body}",
                csv=csv,
                best=BestRow.of(summary),
                runs=finished,
                suite=plan[0].suite,
                head=f"{suite.title}. {command}: {told}.",
                summary=summary,
                differences=differences,
                groups=groups,
                reference=reference,
            )
        )
    return tables


def _told(records: Sequence[Record], planned: int) -> str:
    threads = sorted({record.threads for record in records})
    tested = sorted({record.split["test"] for record in records})
    leakage = max(record.metrics["leakage"] for record in records)
    splits = ", ".join(sorted({record.split["name"] for record in records}))
    parts = [
        f"{len(records)} of {planned} runs",
        f"split {splits}",
        f"{' and '.join(f'{n:,}' for n in tested)} test pixels",
        f"leakage at most {100 * leakage:.1f} %",
        f"bdgf {', '.join(sorted({record.version for record in records}))}",
    ]
    if threads != [0]:
        parts.append(f"seconds on {' or '.join(map(str, threads))} thread(s) a run")
    return ", ".join(parts)


def write_tables(tables: Sequence[SuiteTable], document: Path) -> list[Path]:
    """Writes each table as CSV, its runs as JSON, and puts its Markdown into the document.

    Args:
        tables: The tables.
        document: A Markdown file; CSV and JSON go to a folder of its name beside it.

    Returns:
        The files written.
    """
    folder = document.with_suffix("")
    written = []
    for table in tables:
        contents = {".csv": table.csv, "_runs.json": published(table.runs)}
        for ending, text in contents.items():
            written.append(folder / f"{table.key}{ending}")
            _replace(written[-1], text)
    text = document.read_text() if document.exists() else ""
    _replace(document, with_tables(text, {table.key: table.markdown for table in tables}))
    return [*written, document]


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """`text` with each table between its markers; the prose around them stays.

    A table whose markers are not there is added at the end.

    Args:
        text: A Markdown document.
        tables: Markdown by the key in the markers `<!-- bench <key> -->` and `<!-- end -->`.
    """
    for key, table in tables.items():
        begin, end = f"<!-- bench {key} -->", "<!-- end -->"
        before, marker, rest = text.partition(begin)
        if not marker:
            before = f"{text.rstrip()}\n\n## {key.replace('_', ' ')}\n\n".lstrip()
            rest = end + "\n"
        text = f"{before}{begin}\n\n{table}\n\n{end}{rest.partition(end)[2]}"
    return text


def _replace(path: Path, text: str) -> None:
    with written_whole(path, path.with_name(f".{path.name}.part")) as partial:
        partial.write_text(text)
