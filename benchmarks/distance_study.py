"""Accuracy by distance of training from test pixels: `python -m benchmarks.distance_study`.

Reads the runs that `kedro bench --suite leakage --document ...` put beside the document, and writes
its two tables and its figure: accuracies, and what guidance, windows and larger patches gain.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.accuracy_records import ROOT, read_records, write_table

DOCUMENT = ROOT / "docs" / "notebook" / "2026-11-28-leakage.md"
FIGURE = "accuracy_by_distance.png"
MODELS = {
    "bdgf": "`bdgf`, guided",
    "bdgf_unguided": "`bdgf_unguided`",
    "patch of 5 px": "`bdgf_unguided`, patch of 5 px",
    "forest on windows": "`random_forest_windows`",
    "forest": "`random_forest`",
}
"""Models by the variants' names without the distance."""
GAINS = {
    "diffusion guidance": ("bdgf", "bdgf_unguided"),
    "patch of 11 px, not 5": ("bdgf_unguided", "patch of 5 px"),
    "windows of a forest": ("forest on windows", "forest"),
}
"""What is gained: the model with it, and the one without."""
_MEASURES = ["overall_accuracy", "average_accuracy"]
_COLOURS = ("#0072b2", "#56b4e9", "#cc79a7", "#e69f00", "#009e73")


def main() -> int:
    """Parses the command line, writes tables and figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    options = parser.parse_args()
    write(options.document)
    return 0


def write(document: Path) -> None:
    """Writes the tables between their markers in a document, and the figure beside its runs."""
    found = accuracies(document.with_suffix(""))
    write_table(document, "distance", accuracy_table(found))
    write_table(document, "distance_gains", gain_table(gains(found)))
    _draw(document.with_suffix("") / FIGURE, found, gains(found))


def accuracies(folder: Path) -> pd.DataFrame:
    """What the runs in a folder reached.

    Args:
        folder: Holds `leakage_<scene>_runs.json` of the bench.

    Returns:
        Accuracies in per cent by (scene, model, seed), one column for each (measure, distance).

    Raises:
        ValueError: There are no runs.
    """
    rows = [
        {
            "scene": run["scene"],
            "model": run["variant"].rsplit(", ", 1)[0],
            "seed": run["seed"],
            "distance": run["params"]["split"]["distance"],
            **{name: 100 * run["metrics"][name] for name in _MEASURES},
        }
        for path in sorted(folder.glob("leakage_*_runs.json"))
        if path.name != "leakage_all_scenes_runs.json"
        for run in read_records(path)
    ]
    if not rows:
        raise ValueError(f"no leakage_<scene>_runs.json in {folder}; run the suite leakage first")
    return pd.DataFrame(rows).pivot(
        index=["scene", "model", "seed"], columns="distance", values=_MEASURES
    )


def gains(found: pd.DataFrame) -> pd.DataFrame:
    """Differences of `accuracies` in points, by (scene, gain, seed), of pairs of one seed."""
    parts = {
        name: found.xs(better, level="model") - found.xs(plain, level="model")
        for name, (better, plain) in GAINS.items()
        if {better, plain} <= set(found.index.get_level_values("model"))
    }
    table = pd.concat(parts, names=["gain"]).dropna(how="all")
    return table.reorder_levels(["scene", "gain", "seed"])


def accuracy_table(found: pd.DataFrame) -> str:
    """A Markdown table of means over the seeds, OA / AA by distance."""
    return _table(found, "model", MODELS, "{:.1f}")


def gain_table(gained: pd.DataFrame) -> str:
    """The same of differences."""
    return _table(gained, "gain", {name: name for name in GAINS}, "{:+.1f}")


def _table(found: pd.DataFrame, key: str, names: dict[str, str], form: str) -> str:
    distances = sorted(found.columns.get_level_values("distance").unique())
    head = ["scene", key, *(f"{distance} px" for distance in distances), "seeds"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    means, counts = found.groupby(["scene", key]).mean(), found.groupby(["scene", key]).size()
    for scene in means.index.get_level_values("scene").unique():
        for name, shown in names.items():
            if (scene, name) not in means.index:
                continue
            row = means.loc[(scene, name)]
            cells = [_cell([row[m, distance] for m in _MEASURES], form) for distance in distances]
            lines.append(f"| {scene} | {shown} | {' | '.join(cells)} | {counts[scene, name]} |")
    return "\n".join(lines)


def _cell(values: Sequence[float], form: str) -> str:
    return "" if pd.isna(values).any() else " / ".join(form.format(value) for value in values)


def _draw(file: Path, found: pd.DataFrame, gained: pd.DataFrame) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    oa, more = found["overall_accuracy"], gained["overall_accuracy"]
    scenes = oa.index.get_level_values("scene").unique()
    figure, panels = plt.subplots(
        2,
        len(scenes),
        figsize=(3.4 * len(scenes) + 0.4, 6.2),
        squeeze=False,
        sharex=True,
        sharey="row",
        layout="constrained",
    )
    for column, scene in enumerate(scenes):
        upper, lower = panels[:, column]
        for panel, table, names in ((upper, oa, MODELS), (lower, more, {g: g for g in GAINS})):
            means = table.loc[scene].groupby(level=0).mean()
            for (name, shown), colour in zip(names.items(), _COLOURS, strict=False):
                if name in means.index:
                    panel.plot(means.loc[name].to_numpy(), "o-", color=colour, label=_plain(shown))
            panel.grid(alpha=0.3)
        upper.set_title(scene)
        lower.axhline(0, color="black", lw=0.8)
        lower.set_xticks(range(len(oa.columns)), [str(distance) for distance in oa.columns])
    panels[0, 0].set_ylabel("overall accuracy, %")
    panels[1, 0].set_ylabel("gain in overall accuracy, points")
    figure.supxlabel("distance from a test pixel to the nearest training pixels, px", fontsize=10)
    for row in panels:
        row[-1].legend(fontsize=7, loc="best")
    figure.savefig(file, dpi=120)
    plt.close(figure)


def _plain(text: str) -> str:
    return text.replace("`", "")


if __name__ == "__main__":
    sys.exit(main())
