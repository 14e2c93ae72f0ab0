"""Comparison tables as Markdown."""

from bdgf.experiments.comparison import difference_table, summary_table
from bdgf.experiments.markdown import comparison_markdown, p_value, spread
from tests.experiments.small_outcomes import OF_A, SKILL


def test_the_markdown_holds_the_numbers() -> None:
    summary = summary_table(OF_A, list(SKILL))
    differences = difference_table(OF_A, list(SKILL), "ours")
    text = comparison_markdown(summary, differences, {"ours": "method", "good": "peers"}, "ours")
    first = summary.iloc[0]
    assert spread(first["overall_accuracy_mean"], first["overall_accuracy_std"]) in text
    assert "| method | ours |" in text
    assert "Differences to *ours*" in text
    widths = {line.count("|") for line in text.split("\n\n")[0].splitlines()}
    assert len(widths) == 1
    rules = [line for line in text.splitlines() if line.startswith("| ---")]
    assert [rule.count(" --- |") for rule in rules] == [2, 1]  # names to the left, numbers not


def test_figures_are_told_plainly() -> None:
    assert spread(0.82641, 0.0031) == "82.64 +- 0.31"
    assert spread(0.5, float("nan")) == "50.00"
    assert [p_value(p) for p in (0.0004, 0.05, 1.0, float("nan"))] == [
        "< 0.001",
        "0.050",
        "1.000",
        "-",
    ]
