"""A suite's accuracies with one modality hidden, noisy or clouded while the map is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bdgf.experiments.comparison import MEASURES, TESTED
from bdgf.experiments.markdown import markdown_table, spread
from bdgf.experiments.records import Record

_ABOVE = "damaged"


def damaged_metrics(damaged: Mapping[str, Any]) -> dict[str, float]:
    """Accuracies of `metrics.json` for a record: `damaged/<kind>/<modality>/<measure>`.

    Args:
        damaged: {kind: {modality: {measure: value}}}; a value that is None is left out.
    """
    return {
        f"{_ABOVE}/{kind}/{modality}/{measure}": scores[measure]
        for kind, of_modality in damaged.items()
        for modality, scores in of_modality.items()
        for measure in TESTED
        if scores[measure] is not None
    }


def damage_markdown(runs: Sequence[tuple[str, Record]], groups: Mapping[str, str]) -> str:
    """A table of the accuracies under damage; empty where nothing was damaged.

    Args:
        runs: Variant and record of each run.
        groups: Variant -> name of its group, in the order of the rows.

    Returns:
        Markdown: for each kind of damage and measure the mean over the modalities, mean and
        standard deviation over the runs in per cent; for each kind the worst modality's mean OA.
    """
    table = _scores(runs)
    if table.empty:
        return ""
    kinds = list(dict.fromkeys(table["kind"]))
    head = ["", "variant", *(f"{kind}: {t}" for kind in kinds for t in (*_shorts(), "worst OA"))]
    lines, last = [], None
    for variant, group in groups.items():
        rows = table[table["variant"] == variant]
        if rows.empty:
            continue
        cells = [cell for kind in kinds for cell in _cells(rows[rows["kind"] == kind])]
        lines.append([group if group != last else "", variant, *cells])
        last = group
    note = (
        "With each modality in turn spoilt while the map is made (mean over the modalities; worst: "
        "the modality whose loss costs most):"
    )
    return f"{note}\n\n{markdown_table(head, lines)}"


def _scores(runs: Sequence[tuple[str, Record]]) -> pd.DataFrame:
    # A row a run, kind and modality, a column a measure.
    rows: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for variant, record in runs:
        for name, value in record.metrics.items():
            if not name.startswith(f"{_ABOVE}/"):
                continue
            _, kind, rest = name.split("/", 2)
            modality, measure = rest.rsplit("/", 1)
            run = f"{record.scene} {record.seed}"
            row = rows.setdefault((variant, run, kind, modality), {})
            row |= {"variant": variant, "run": run, "kind": kind, "modality": modality}
            row[measure] = value
    return pd.DataFrame(list(rows.values()))


def _cells(rows: pd.DataFrame) -> list[str]:
    by_run = rows.groupby("run")
    means = by_run[list(TESTED)].mean()
    worst = by_run["overall_accuracy"].min()
    told = [spread(float(means[m].mean()), float(means[m].std())) for m in TESTED]
    return [*told, spread(float(worst.mean()), float(worst.std()))]


def _shorts() -> list[str]:
    return [MEASURES[measure] for measure in TESTED]
