"""How the figures of `make bench` moved: a line for each run, and a plot of the ratios.

`python -m benchmarks.history` draws the plot again.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparison import Comparison

FILE, PLOT = "history.jsonl", "history.png"
_COLUMNS = 3


def append(
    folder: Path, machine: Mapping[str, object], comparisons: Sequence[Comparison]
) -> list[dict[str, Any]]:
    """Adds this run to the history; a run of the same commit and processor replaces its line.

    Args:
        folder: Where the history lies.
        machine: What `benchmarks.machine.description` tells.
        comparisons: What was measured.

    Returns:
        All lines, the oldest first.
    """
    told = {key: machine.get(key) for key in ("date", "commit", "processor", "cores", "threads")}
    figures = {
        comparison.task: {
            "how": (last := list(comparison.values)[-1]),
            "median": comparison.median(last),
            "unit": comparison.unit,
            "ratio": comparison.ratio(last) if _compares(comparison) else None,
        }
        for comparison in comparisons
    }
    line = {**told, "figures": figures}
    lines = [one for one in read(folder) if _run(one) != _run(line)] + [line]
    part = folder / f"{FILE}.part"
    part.write_text("".join(json.dumps(one) + "\n" for one in lines))
    part.replace(folder / FILE)
    return lines


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines of a history, the oldest first; none where there is none."""
    file = folder / FILE
    return [json.loads(one) for one in file.read_text().splitlines()] if file.exists() else []


def plot(lines: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Draws how many times better than its alternative each task is, run by run."""
    import matplotlib.pyplot as plt

    tasks = [
        task
        for task in dict.fromkeys(task for line in lines for task in line["figures"])
        if any(line["figures"].get(task, {}).get("ratio") for line in lines)
    ]
    rows = max(1, math.ceil(len(tasks) / _COLUMNS))
    size = (12, 2.6 * rows)
    figure, axes = plt.subplots(rows, _COLUMNS, figsize=size, squeeze=False, layout="constrained")
    names = [f"{str(line['commit'])[:7]}\n{str(line['date'])[:10]}" for line in lines]
    for axis, task in zip(axes.flat, tasks, strict=False):
        ratios = [line["figures"].get(task, {}).get("ratio") or math.nan for line in lines]
        axis.plot(range(len(lines)), ratios, marker="o", color="#0072b2")
        axis.set_title("\n".join(textwrap.wrap(task, 52)[:2]), fontsize=7)
        axis.set_ylim(bottom=0)
        axis.set_xticks(range(len(lines)), names, fontsize=6)
        axis.tick_params(axis="y", labelsize=7)
    for axis in list(axes.flat)[len(tasks) :]:
        axis.axis("off")
    figure.suptitle("Times better than the alternative of the same run", fontsize=10)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def _compares(comparison: Comparison) -> bool:
    return comparison.rivals and len(comparison.values) > 1


def _run(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return line.get("commit"), line.get("processor"), line.get("threads")


def main() -> None:
    """Draws the plot of the committed history."""
    from benchmarks.__main__ import FOLDER

    plot(read(FOLDER), FOLDER / PLOT)


if __name__ == "__main__":
    main()
