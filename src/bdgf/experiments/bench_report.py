"""The report of a bench: its tables, and the maps of its variants side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from bdgf import __version__
from bdgf.evaluation.ground import length_text, scale_bar_length
from bdgf.evaluation.maps import color_hex
from bdgf.evaluation.report_page.images import is_small, palette_png
from bdgf.evaluation.report_page.page import (
    Block,
    Cell,
    Page,
    Picture,
    Pictures,
    ScaleBar,
    Section,
    Table,
    Text,
)
from bdgf.experiments.comparison import MEASURES, TESTED
from bdgf.experiments.map_sketches import MapSketch
from bdgf.experiments.markdown import gain, p_value, spread
from bdgf.experiments.records import Record
from bdgf.experiments.tables import SuiteTable

_NONE = "-"
_WITH_BARS = ("overall_accuracy", "average_accuracy")


def bench_report(
    tables: Sequence[SuiteTable], sketch_of: Callable[[str], MapSketch | None]
) -> Page:
    """The report of a bench.

    Args:
        tables: Its tables.
        sketch_of: Gives the map of a run by its fingerprint; None where it was not kept.
    """
    sections = [_section(table, sketch_of) for table in tables]
    suites = ", ".join(dict.fromkeys(table.suite for table in tables))
    made = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    runs = len({record.fingerprint for table in tables for _, record, _ in table.runs})
    lead = f"{runs} runs. Values in per cent: mean and standard deviation over the seeds."
    return Page(f"Bench: {suites}", lead, [], sections, f"bdgf {__version__} · {made}")


def _section(table: SuiteTable, sketch_of: Callable[[str], MapSketch | None]) -> Section:
    blocks: list[Block] = [Text(table.head), _summary(table)]
    if len(table.differences):
        blocks.append(_differences(table))
    blocks += _maps(table, sketch_of)
    return Section(table.key.replace("_", " "), blocks)


def _summary(table: SuiteTable) -> Table:
    rows: list[list[Cell | str]] = []
    for line in table.summary.to_dict("records"):
        variant = str(line["variant"])
        measures = [
            Cell(
                spread(line[f"{measure}_mean"], line[f"{measure}_std"]),
                share=_share(line[f"{measure}_mean"]) if measure in _WITH_BARS else None,
            )
            for measure in MEASURES
        ]
        parameters = line["parameters"]
        counted = _NONE if math.isnan(parameters) else f"{parameters:,.0f}"
        seconds = f"{line['seconds']:.0f}{'*' * bool(line['reused'])}"
        group = table.groups.get(variant, "")
        rows.append([group, variant, *measures, counted, seconds, str(line["runs"])])
    reused = bool(table.summary["reused"].any())
    note = "* without the pretraining, which was reused from another run." if reused else ""
    head = ["group", "variant", *(f"{short} %" for short in MEASURES.values())]
    return Table([*head, "parameters", "seconds", "runs"], rows, texts=2, note=note)


def _differences(table: SuiteTable) -> Table:
    shorts = [MEASURES[measure] for measure in TESTED]
    head = ["variant", *(f"{s} difference" for s in shorts), *(f"Wilcoxon p, {s}" for s in shorts)]
    rows = [
        [
            str(line["variant"]),
            *(gain(line, measure) for measure in TESTED),
            *(p_value(line[f"{measure}_wilcoxon_p_holm"]) for measure in TESTED),
            p_value(line["mcnemar_p_holm"]),
            str(line["pairs"]),
        ]
        for line in table.differences.to_dict("records")
    ]
    note = (
        f"Differences to {table.reference}: variant minus reference, in points, with the 95 % "
        "interval over pairs of equal scene and seed. p values are Holm-corrected within the table."
    )
    return Table([*head, "McNemar p", "pairs"], rows, note=note)


def _maps(table: SuiteTable, sketch_of: Callable[[str], MapSketch | None]) -> list[Block]:
    records = [record for _, record, _ in table.runs]
    if len({record.scene for record in records}) > 1:
        return []  # they stand in the section of each scene
    seed = min(record.seed for record in records)
    drawn: list[tuple[str, Record, MapSketch]] = [
        (variant, record, sketch)
        for variant, record, _ in table.runs
        if record.seed == seed and (sketch := sketch_of(record.fingerprint)) is not None
    ]
    if not drawn:
        return [Text("The maps of these runs were not kept.")]
    first = drawn[0][2]
    pictures = [_picture(first, first.labels, "reference labels")]
    pictures += [
        _picture(sketch, sketch.class_map, f"{variant}: OA {_percent(record.metrics)}")
        for variant, record, sketch in drawn
    ]
    legend = list(zip(first.classes.names, first.classes.colors, strict=True))
    return [Text(f"Maps of seed {seed}:"), Pictures(pictures, legend)]


def _picture(sketch: MapSketch, values: np.ndarray, title: str) -> Picture:
    bar = None
    if sketch.metres_across is not None:
        length = scale_bar_length(sketch.metres_across)
        bar = ScaleBar(length / sketch.metres_across, length_text(length))
    height, width = values.shape
    return Picture(
        palette_png(values, color_hex(sketch.classes)),
        title,
        size=(width, height),
        scale_bar=bar,
        pixelated=is_small(values.shape),
    )


def _percent(metrics: Mapping[str, Any]) -> str:
    return f"{100 * metrics['overall_accuracy']:.2f} %"


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
