"""The report of one map: its content, accuracy and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bdgf.evaluation.figures.curves import curve_panels
from bdgf.evaluation.figures.scores import confusion_figure, reliability_figure
from bdgf.evaluation.report_page.damage_section import damage_blocks
from bdgf.evaluation.report_page.decision_section import decision_blocks
from bdgf.evaluation.report_page.images import svg
from bdgf.evaluation.report_page.map_pictures import agreement, map_pictures
from bdgf.evaluation.report_page.map_result import MapResult
from bdgf.evaluation.report_page.page import (
    Block,
    Cell,
    Page,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
)
from bdgf.evaluation.report_page.run_sections import run_sections
from bdgf.evaluation.report_page.set_section import set_blocks

_MATRIX_LEAST = 46
"""Pixels that a class of the confusion matrix keeps on a narrow screen."""
_MATRIX_WIDE = 7
"""Classes from which on the matrix is scrolled on a narrow screen."""
# Curves for who looks into a training that went wrong; a report shows how well it went.
LEFT_OUT_CURVES = ("learning_rate", "gradient_norm")
Rows = list[list[Cell | str]]
_UNSCORED = (
    "Nothing was scored: the scene has no labels, or they taught the model. Accuracy, errors and "
    "calibration are therefore not in this report."
)

_COUNTED = "Bands are counted from 0, among those that the scene file keeps."


def map_report(result: MapResult) -> Page:
    """The report of a map; missing parts of a run are named."""
    sections = [
        Section("Maps", _maps(result)),
        Section("Accuracy", _accuracy(result)),
        Section("Area of each class", [_areas(result)]),
        *([Section("Branches", _branches(result))] if result.votes else []),
        *(
            [Section("Decision", decision_blocks(result.metrics["decision"], result.classes))]
            if result.metrics and "decision" in result.metrics
            else []
        ),
        *([Section("Prediction sets", _sets(result))] if result.sets else []),
        *(
            [Section("With a modality spoilt", _damage(result.metrics))]
            if result.metrics and "damaged" in result.metrics
            else []
        ),
        Section("Split and leakage", _split(result)),
        Section("Modality balance", _balance(result)),
        Section("Learning curves", _curves(result)),
        *run_sections(result.facts),
    ]
    title = f"{result.scene}: land cover by {result.model}"
    return Page(title, result.lead, _headline(result.metrics), sections, _foot(result))


def _headline(metrics: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    if metrics is None:
        return []
    leaking = metrics["leakage"]
    return [
        ("Overall accuracy", _percent(metrics["overall_accuracy"]), "correct test pixels"),
        ("Average accuracy", _percent(metrics["average_accuracy"]), "mean recall of the classes"),
        ("Kappa", _percent(metrics["kappa"]), "agreement beyond chance"),
        ("F1", _percent(metrics["f1"]), "mean over the classes"),
        (
            "Calibration error",
            _percent(metrics["calibration_error"]),
            "gap between confidence and accuracy",
        ),
        (
            "Leakage",
            "unknown" if leaking is None else _percent(leaking),
            "test pixels near training pixels",
        ),
    ]


def _maps(result: MapResult) -> list[Block]:
    height, width = result.shape
    told = [f"{height:,} x {width:,} pixels"]
    if result.metres is not None:
        across, down = (f"{side:.3g}" for side in result.metres)
        told.append(f"of {across} m" if across == down else f"of {across} x {down} m")
    if result.place:
        told.append(f"({result.place})")
    thinned = f" Every {_ordinal(result.step)} pixel is shown." if result.step > 1 else ""
    missing = [] if result.labels is not None else ["reference labels and an error map"]
    if result.split is None:
        missing.append("a split")
    if not result.images:
        missing.append("images of the modalities")
    if not result.votes:
        missing.append("the agreement of branches")
    without = f" Not available: {', '.join(missing)}." if missing else ""
    counted = f" {_COUNTED}" if result.images else ""
    return [Text(f"{' '.join(told)}.{thinned}{counted}{without}"), map_pictures(result)]


def _accuracy(result: MapResult) -> list[Block]:
    metrics = result.metrics
    if metrics is None:
        return [Text(_UNSCORED)]
    colors = dict(zip(result.classes.names, result.classes.colors, strict=True))
    rows: Rows = [
        [
            Cell(name, color=colors[name]),
            *(_bar(scores[key]) for key in ("recall", "precision", "f1")),
            f"{scores['support']:,}",
        ]
        for name, scores in metrics["per_class"].items()
    ]
    note = "Recall is the producer's accuracy, precision the user's accuracy."
    matrix, size = svg(confusion_figure(metrics["confusion_matrix"], result.classes))
    count = result.classes.count
    least = _MATRIX_LEAST * count + 200 if count >= _MATRIX_WIDE else 0
    pictures = [Picture(matrix, "Confusion matrix", size=size, least_width=least)]
    if "reliability" in metrics:
        diagram, size = svg(
            reliability_figure(metrics["reliability"], metrics["calibration_error"])
        )
        told = "Bars below the dashed line: the model is overconfident."
        pictures.append(Picture(diagram, "Reliability", told, size))
    return [
        Table(["class", "recall", "precision", "F1", "test pixels"], rows, note=note),
        Pictures(pictures, as_large=False),
    ]


def _areas(result: MapResult) -> Table:
    pixels, table = result.pixels, result.classes
    share = pixels / max(pixels.sum(), 1)
    rows: Rows = []
    for number, (name, color) in enumerate(zip(table.names, table.colors, strict=True)):
        row: list[Cell | str] = [
            Cell(name, color=color),
            _bar(share[number]),
            f"{int(pixels[number]):,}",
        ]
        if result.areas is not None:
            row.append(_hectares(result.areas[number]))
        rows.append(row)
    head, note = ["class", "share of the map", "pixels"], ""
    if result.areas is None:
        note = "The scene has no reference system, so areas on the ground are unknown."
    else:
        head.append("hectares")
        rows.append(["all", "", f"{int(pixels.sum()):,}", _hectares(result.areas.sum())])
        note = "Hectares on the ellipsoid, counted on the map. Map errors are not corrected."
    return Table(head, rows, note=note)


def _branches(result: MapResult) -> list[Block]:
    known = result.class_map > 0
    agreeing = agreement(result)[known]
    count = len(result.votes)
    scored = None if result.scored is None or result.labels is None else result.scored
    rows = []
    for name, votes in result.votes.items():
        row: list[Cell | str] = [name, _bar(float((votes == result.class_map)[known].mean()))]
        if scored is not None and result.labels is not None and scored.any():
            row.append(_bar(float((votes == result.labels)[scored].mean())))
        rows.append(row)
    head = ["branch", "agrees with the map"]
    if rows and len(rows[0]) > len(head):
        head.append("correct at the scored pixels")
    unanimous = _percent(float((agreeing == count).mean()))
    of_shown = " (of the pixels shown)" if result.step > 1 else ""
    return [
        Text(f"All {count} branches agree with the map on {unanimous} of it{of_shown}."),
        Table(head, rows),
    ]


def _sets(result: MapResult) -> list[Block]:
    assert result.sets is not None
    assert result.set_sizes is not None
    measured = (result.metrics or {}).get("sets")
    return set_blocks(result.sets, result.set_sizes, result.classes.count, measured)


def _damage(metrics: Mapping[str, Any]) -> list[Block]:
    return damage_blocks(metrics["damaged"], metrics["overall_accuracy"])


def _split(result: MapResult) -> list[Block]:
    metrics, counts = result.metrics, result.split_counts
    if metrics is None or counts is None:
        if metrics is None:
            return [Text("There is no split: the scene was only mapped.")]
        tested = metrics["split"]["test"]
        return [
            Text(
                f"All {tested:,} labelled pixels with data are scored; none was used for "
                "training. It is unknown whether training pixels lie near them."
            )
        ]
    leaking = metrics["leakage"]
    split = metrics["split"]
    told = (
        f"Split {split['name']} with seed {split['seed']}. {_percent(leaking)} of the test pixels "
        f"have a training or validation pixel in their patch of {metrics['patch']} x "
        f"{metrics['patch']} pixels"
    )
    told += ": their accuracy is inflated." if leaking > 0 else "."
    rows: Rows = [
        [
            Cell(name, color=color),
            *(f"{int(of_part[number]):,}" for of_part in counts.values()),
        ]
        for number, (name, color) in enumerate(
            zip(result.classes.names, result.classes.colors, strict=True)
        )
    ]
    rows.append(["all", *(f"{int(np.sum(of_part)):,}" for of_part in counts.values())])
    return [Text(told), Table(["class", *counts], rows)]


def _balance(result: MapResult) -> list[Block]:
    if not result.balance:
        return [Text("Not measured: the model uses no diffusion features, or only one modality.")]
    names = list(next(iter(result.balance.values())))
    rows: Rows = [
        [measure, *(_bar(of_modality[name]) for name in names)]
        for measure, of_modality in result.balance.items()
    ]
    note = "Pretrained denoiser at the end of its training. Equal bars mean balance."
    return [Table(["", *names], rows, note=note)]


def _curves(result: MapResult) -> list[Block]:
    shown = {
        name: series
        for name, series in result.curves.items()
        if not name.endswith(LEFT_OUT_CURVES) and len(series)
    }
    if not shown:
        return [Text("None: the model has no training curve, or was trained elsewhere.")]
    pictures = []
    for title, figure in curve_panels(shown).items():
        source, size = svg(figure)
        pictures.append(Picture(source, title, size=size))
    return [Pictures(pictures)]


def _foot(result: MapResult) -> str:
    made = result.facts.provenance
    parts = [made[name] for name in ("bdgf", "made") if name in made]
    return " · ".join(["bdgf", *parts])


def _bar(share: float) -> Cell:
    return Cell(_percent(share), share=min(max(float(share), 0.0), 1.0))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _hectares(area: float) -> str:
    return f"{area:,.1f}" if area >= 1 else f"{area:.2g}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
