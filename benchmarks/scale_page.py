"""Records, page and figure of `python -m benchmarks.scale_curves`: exponents of each stage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares

FILE, PAGE, PLOT = "scale.json", "scale.md", "scale.png"
STAGES = {
    "read": ("ingest scene",),
    "prepare": ("prepare scene",),
    "pretrain": ("pretrain denoiser",),
    "features": ("extract features",),
    "train": ("train classifier",),
    "map": ("predict scene",),
    "figures and report": ("draw curves", "draw maps", "score", "draw figures", "write report"),
}
"""Nodes of `full` by what the page calls them; the rest is the start and copies of files."""
FLAT = 1.5
"""A stage whose last time is no more than this times its first is flat: noise would be fitted."""
_LEAST_SECONDS = 2.0
_NOISE_SECONDS = 0.2
"""Of a stage, as often as a run is looked at: what is shorter tells little."""
_STEEPEST = 4.0

HEAD = """# How time and memory grow

`kedro run --pipeline=full` on fabricated scenes of three modalities. One thing grows; the others
keep the values of the base: 500 x 500 pixels, 15 channels, 500 labels, 6 classes (2,000 labels
where classes grow). Half of the labels train. The method `bdgf` has a narrow denoiser and short
trainings here: what counts is how its seconds grow, not how many they are.

    OMP_NUM_THREADS=1 python -m benchmarks.scale_curves

Processor seconds and peak memory of each stage, and of the whole run. One process does all stages:
the memory of a stage holds what those before it left. The *exponent* k is that of a fit
t = a + b x^k to all points. A stage is *flat* if its last time is below {flat} times its first, or
below {least:.0f} seconds.

![Processor time by stage]({plot})
"""


def read(folder: Path) -> list[dict[str, Any]]:
    """The recorded runs; none where there are none."""
    file = folder / FILE
    return json.loads(file.read_text()) if file.exists() else []


def keep(folder: Path, runs: Sequence[Mapping[str, Any]]) -> None:
    """Writes the records, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.part"
    part.write_text("[\n" + ",\n".join(json.dumps(run) for run in runs) + "\n]\n")
    part.replace(folder / FILE)


def key(run: Mapping[str, Any]) -> tuple[str, str, int]:
    """What a run is known by: model, what grows, how much of it there is."""
    return run["model"], run["axis"], run["amount"]


def exponent(amounts: Sequence[float], seconds: Sequence[float]) -> float | None:
    """The k of t = a + b x^k, a and b >= 0, by least squares of log t.

    Args:
        amounts: x, from the least on; at least three.
        seconds: t.

    Returns:
        k; None if the time is flat.
    """
    x, t = np.asarray(amounts, float), np.asarray(seconds, float)
    if t[-1] < max(_LEAST_SECONDS, FLAT * t[0]):
        return None
    scaled = x / x[-1]

    def residuals(fitted: np.ndarray) -> np.ndarray:
        constant, slope, k = fitted
        return np.log((constant + slope * scaled**k + _NOISE_SECONDS) / (t + _NOISE_SECONDS))

    first, bounds = (t.min() / 2, t.max(), 1.0), ([0, 0, 0], [np.inf, np.inf, _STEEPEST])
    found = least_squares(residuals, first, bounds=bounds, x_scale=(t.max(), t.max(), 1.0))
    return float(found.x[2])


def by_stage(
    run: Mapping[str, Any], what: str, of_nodes: Callable[[list[float]], float]
) -> dict[str, float]:
    """What the run's nodes took, by `STAGES` that it had.

    Args:
        run: A record.
        what: Of a node: `cpu_seconds` or `peak_mib`.
        of_nodes: Makes one number of those of a stage's nodes.
    """
    nodes = run["stages"]
    values = {
        name: [nodes[node][what] for node in members if node in nodes]
        for name, members in STAGES.items()
    }
    return {name: of_nodes(those) for name, those in values.items() if those}


def write(folder: Path, runs: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> None:
    """Writes the page and the figure from the records.

    Args:
        folder: Takes them.
        runs: All records.
        axes: What grows, in order.
    """
    lines = [HEAD.format(flat=FLAT, least=_LEAST_SECONDS, plot=PLOT)]
    models = list(dict.fromkeys(run["model"] for run in runs))
    for axis in axes:
        lines += ["", f"## {axis.capitalize()}", ""]
        for model in models:
            chosen = _chosen(runs, model, axis)
            if chosen:
                lines += [*_table(model, axis, chosen), ""]
    made = sorted({f"{run['date'][:10]}, {run['commit']}" for run in runs})
    machines = sorted({f"{run['processor']}, {run['threads']} thread(s)" for run in runs})
    lines += [f"Measured: {'; '.join(made)}. On: {'; '.join(machines)}."]
    # Written by hand into a record: what disturbed its run.
    lines += [f"\n{note}" for note in dict.fromkeys(run.get("note") for run in runs) if note]
    (folder / PAGE).write_text("\n".join(lines) + "\n")
    _plot(folder / PLOT, runs, models, axes)


def _chosen(runs: Sequence[Mapping[str, Any]], model: str, axis: str) -> list[Mapping[str, Any]]:
    mine = [run for run in runs if (run["model"], run["axis"]) == (model, axis)]
    return sorted(mine, key=lambda run: int(run["amount"]))


def _table(model: str, axis: str, runs: Sequence[Mapping[str, Any]]) -> list[str]:
    amounts = [run["amount"] for run in runs]
    lines = [
        f"| `{model}`: {axis} | {' | '.join(f'{x:,}' for x in amounts)} | exponent |",
        f"|---|{'---:|' * (len(amounts) + 1)}",
    ]
    seconds = [by_stage(run, "cpu_seconds", sum) for run in runs]
    for stage in STAGES:
        if any(stage in one for one in seconds):
            row = [one.get(stage) for one in seconds]
            cells = ["-" if value is None else f"{value:.1f}" for value in row]
            lines.append(f"| {stage}, s | {' | '.join(cells)} | {_told(amounts, row)} |")
    whole = [run["cpu_seconds"] for run in runs]
    cells = [f"{value:.0f}" for value in whole]
    lines.append(f"| whole run, s | {' | '.join(cells)} | {_told(amounts, whole)} |")
    peaks = [by_stage(run, "peak_mib", max) for run in runs]
    for stage in STAGES:
        if any(stage in one for one in peaks):
            cells = [f"{one[stage]:,}" if stage in one else "-" for one in peaks]
            lines.append(f"| {stage}, MiB | {' | '.join(cells)} | |")
    cells = [f"{run['peak_mib']:,}" for run in runs]
    lines.append(f"| whole run, MiB | {' | '.join(cells)} | |")
    return lines


def _told(amounts: Sequence[float], seconds: Sequence[float | None]) -> str:
    if any(value is None for value in seconds) or len(seconds) < 3:
        return ""
    found = exponent(amounts, [value for value in seconds if value is not None])
    return "flat" if found is None else f"{found:.2f}"


def _plot(
    file: Path, runs: Sequence[Mapping[str, Any]], models: Sequence[str], axes: Sequence[str]
) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(
        max(1, len(models)),
        len(axes),
        figsize=(3.2 * len(axes), 2.6 * max(1, len(models)) + 0.5),
        squeeze=False,
        sharey="row",
        layout="constrained",
    )
    colours = ["#0072b2", "#56b4e9", "#cc79a7", "#e69f00", "#d55e00", "#009e73", "#999999"]
    for model, row in zip(models, panels, strict=False):
        for axis, panel in zip(axes, row, strict=True):
            chosen = _chosen(runs, model, axis)
            for stage, colour in zip(STAGES, colours, strict=True):
                points = [
                    (run["amount"], by_stage(run, "cpu_seconds", sum).get(stage)) for run in chosen
                ]
                found = [(x, t) for x, t in points if t]
                if found:
                    panel.loglog(*zip(*found, strict=True), "o-", ms=3, color=colour, label=stage)
            panel.set_xlabel(axis)
            panel.grid(alpha=0.3)
        row[0].set_ylabel(f"{model}\nprocessor seconds")
    handles = {
        text: handle
        for panel in panels.flat
        for handle, text in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=7)
    figure.savefig(file, dpi=110)
    plt.close(figure)
