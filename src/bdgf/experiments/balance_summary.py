"""Several balance records in one table and one figure: means and deviations over seeds.

Matplotlib is imported when the figure is drawn, so that the rest starts fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bdgf.evaluation.modality_balance import ALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MASKING = "masking"
"""Column that names a strategy and, where it is adaptive, its signal and rule."""

_PANELS = {
    "probe_average_accuracy": "average accuracy of a linear probe",
    "feature_share": "share of the features",
    "explained_noise": "explained noise",
    "mask_rate": "last masking rate",
}
_DPI = 110
_LEGEND_COLUMNS = 4  # names of maskings are long
_COLORS = ("#000000", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#e69f00")


def balance_table(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a record, the masking named in a column `masking`, nested parts left out.

    Args:
        records: What `measure_balance` gave.
    """
    flat = [{k: v for k, v in r.items() if not isinstance(v, Mapping)} for r in records]
    table = pd.DataFrame(flat)
    names = [masking_name(record) for record in records]
    table.insert(1, MASKING, names)
    return table


def masking_name(record: Mapping[str, Any]) -> str:
    """`none`, `fixed`, or for instance `adaptive (modality sensitivity, ratio)`."""
    if not record["signal"]:
        return str(record["strategy"])
    signal = str(record["signal"]).replace("_", " ")
    return f"{record['strategy']} ({signal}, {record['rule']})"


def balance_means(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over the seeds of each scene and masking.

    Args:
        table: From `balance_table`.

    Returns:
        One row a scene and masking, in the order of first appearance, with `seeds` and for every
        measure `<measure>_mean` and `<measure>_std` (of the sample; NaN for one seed).
    """
    keys = ["scene", MASKING]
    measures = [c for c in table.select_dtypes("number").columns if c not in ("seed", "steps")]
    groups = table.groupby(keys, sort=False)[measures]
    means, deviations = groups.mean().add_suffix("_mean"), groups.std().add_suffix("_std")
    ordered = [f"{name}_{kind}" for name in measures for kind in ("mean", "std")]
    joined = pd.concat([means, deviations], axis=1)[ordered]
    joined.insert(0, "seeds", table.groupby(keys, sort=False)["seed"].nunique())
    return joined.reset_index()


def balance_figure(table: pd.DataFrame, title: str = "") -> Figure:
    """Bars of each modality and masking, a row of panels a scene; whiskers: deviation over seeds.

    Args:
        table: From `balance_table`.
        title: A line above all.
    """
    from matplotlib.figure import Figure

    means = balance_means(table)
    scenes, maskings = list(dict.fromkeys(table["scene"])), list(dict.fromkeys(table[MASKING]))
    size = (4.3 * len(_PANELS), 2.9 * len(scenes) + 0.5)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    axes = figure.subplots(len(scenes), len(_PANELS), squeeze=False)
    for row, scene in zip(axes, scenes, strict=True):
        of_scene = means[means["scene"] == scene].dropna(axis=1, how="all").set_index(MASKING)
        for axis, (measure, label) in zip(row, _PANELS.items(), strict=True):
            _bars(axis, of_scene, measure, maskings)
            axis.set_title(f"{scene}: {label}", fontsize=9)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(len(labels), _LEGEND_COLUMNS),
        frameon=False,
    )
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _bars(axis: Axes, means: pd.DataFrame, measure: str, maskings: Sequence[str]) -> None:
    columns = [c for c in means.columns if c.startswith(f"{measure}_") and c.endswith("_mean")]
    modalities = [c.removeprefix(f"{measure}_").removesuffix("_mean") for c in columns]
    modalities = sorted((m for m in modalities if m != "balance_index"), key=lambda m: m == ALL)
    places, width = np.arange(len(modalities)), 0.8 / len(maskings)
    for index, name in enumerate(maskings):
        if name not in means.index:
            continue
        values = means.loc[name, [f"{measure}_{m}_mean" for m in modalities]].to_numpy(float)
        spread = means.reindex(columns=[f"{measure}_{m}_std" for m in modalities])
        axis.bar(
            places + (index - (len(maskings) - 1) / 2) * width,
            values,
            width,
            yerr=np.nan_to_num(spread.loc[name].to_numpy(float)),
            error_kw={"linewidth": 0.9},
            color=_COLORS[index % len(_COLORS)],
            label=name,
        )
    if measure == "feature_share":
        axis.axhline(1 / len(modalities), color="grey", linewidth=0.8, linestyle=":")
    axis.set_xticks(places, ["all visible" if m == ALL else m for m in modalities], fontsize=9)
    axis.grid(axis="y", alpha=0.3)
