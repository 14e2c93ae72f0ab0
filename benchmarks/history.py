"""How the figures of `make bench` moved: a line for each run, and a plot of the ratios.

`python -m benchmarks.history` draws the plot again.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.comparison import Comparison

FILE, PLOT = "history.jsonl", "history.png"
_COLUMNS = 3
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_ROOM = 1.1
"""Height of a plot over its largest value."""


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
    """Draws how many times better than its alternative each task is, run by run.

    Runs on different processors are not joined by a line.
    """
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
    processors = list(dict.fromkeys(map(_processor, lines)))
    for axis, task in zip(axes.flat, tasks, strict=False):
        ratios = [line["figures"].get(task, {}).get("ratio") or math.nan for line in lines]
        for processor, color in zip(processors, cycle(_COLORS), strict=False):
            own = [i for i, line in enumerate(lines) if _processor(line) == processor]
            axis.plot(own, [ratios[i] for i in own], marker="o", color=color, label=processor)
        axis.set_title("\n".join(textwrap.wrap(task, 52)[:2]), fontsize=7)
        axis.set_ylim(0, _ROOM * max(ratio for ratio in ratios if not math.isnan(ratio)))
        axis.set_xticks(range(len(lines)), names, fontsize=6)
        axis.tick_params(axis="y", labelsize=7)
    for axis in list(axes.flat)[len(tasks) :]:
        axis.axis("off")
    if tasks:
        figure.legend(
            *axes.flat[0].get_legend_handles_labels(), loc="outside lower left", fontsize=7
        )
    figure.suptitle("Times better than the alternative of the same run", fontsize=10)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def _processor(line: Mapping[str, Any]) -> str:
    return str(line.get("processor", "")).partition(" (")[0]


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
