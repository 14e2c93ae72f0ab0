"""Comparison tables as Markdown."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence

import pandas as pd

from bdgf.experiments.comparison import MEASURES, TESTED

_NONE = "-"


def comparison_markdown(
    summary: pd.DataFrame, differences: pd.DataFrame, groups: Mapping[str, str], reference: str
) -> str:
    """The two tables of a suite on one scene, or on all of them together.

    Args:
        summary: From `summary_table`.
        differences: From `difference_table`; may be empty.
        groups: Variant -> name of the group that it belongs to.
        reference: The variant that the others are compared with.

    Returns:
        Markdown; measures in per cent with the standard deviation behind +-.
    """
    parts = [_summary(summary, groups)]
    if summary["reused"].any():
        parts.append("\\* without the pretraining, which was that of another run.")
    if len(differences):
        parts.append(
            f"Differences to *{reference}* (variant minus reference, points; mean, 95 % interval "
            "over the pairs of equal scene and seed; p values after Holm within the table):"
        )
        parts.append(_differences(differences))
    return "\n\n".join(parts)


def _summary(summary: pd.DataFrame, groups: Mapping[str, str]) -> str:
    head = ["", "variant", *(f"{short} %" for short in MEASURES.values())]
    lines, last = [], None
    for record in summary.to_dict("records"):
        group = groups.get(record["variant"], "")
        measured = [
            spread(record[f"{measure}_mean"], record[f"{measure}_std"]) for measure in MEASURES
        ]
        lines.append(
            [
                group if group != last else "",
                record["variant"],
                *measured,
                _count(record["parameters"]),
                f"{record['seconds']:.0f}" + "\\*" * record["reused"],
                str(record["runs"]),
            ]
        )
        last = group
    return markdown_table([*head, "parameters", "seconds", "runs"], lines)


def _differences(table: pd.DataFrame) -> str:
    shorts = [MEASURES[measure] for measure in TESTED]
    head = ["variant", *(f"{s} difference" for s in shorts), *(f"Wilcoxon p, {s}" for s in shorts)]
    lines = []
    for record in table.to_dict("records"):
        gains = [gain(record, measure) for measure in TESTED]
        tests = [p_value(record[f"{measure}_wilcoxon_p_holm"]) for measure in TESTED]
        mcnemar = p_value(record["mcnemar_p_holm"])
        lines.append([record["variant"], *gains, *tests, mcnemar, str(record["pairs"])])
    return markdown_table([*head, "McNemar p", "pairs"], lines, names=1)


def gain(record: Mapping[Hashable, float], measure: str) -> str:
    """A mean difference in points with its interval, `+1.20 [+0.31, +2.09]`, where it has one."""
    mean, low, high = (100 * record[f"{measure}_difference{end}"] for end in ("", "_low", "_high"))
    told = f"{mean:+.2f}"
    return told if math.isnan(low) else f"{told} [{low:+.2f}, {high:+.2f}]"


def markdown_table(head: Sequence[str], lines: Sequence[Sequence[str]], *, names: int = 2) -> str:
    """A Markdown table; so many columns of names to the left, the others to the right."""
    rule = ["---" if i < names else "---:" for i in range(len(head))]
    cells = [list(head), rule, *[[c.replace("|", "\\|") for c in line] for line in lines]]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def spread(mean: float, std: float) -> str:
    """Mean and standard deviation in per cent, `82.64 +- 0.31`; the mean alone where no std is."""
    return f"{100 * mean:.2f}" + ("" if math.isnan(std) else f" +- {100 * std:.2f}")


def p_value(p: float) -> str:
    """A p value with three decimals, those below 0.001 as such."""
    if math.isnan(p):
        return _NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _count(parameters: float) -> str:
    return _NONE if math.isnan(parameters) else f"{parameters:,.0f}"
