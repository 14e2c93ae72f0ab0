"""Output of `kedro scene`: tables for a screen, and the same as text."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich import get_console
from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from bdgf.core.storage import written_whole
from bdgf.evaluation.scene_check.labels import SplitReport
from bdgf.evaluation.scene_check.layers import Layer
from bdgf.evaluation.scene_check.registration import Shift
from bdgf.evaluation.scene_check.report import FileReport, SceneReport
from bdgf.scenes.config import SceneConfig
from bdgf.scenes.file_search import ItemFiles
from bdgf.scenes.scene import LABELS, OFFICIAL_TEST, OFFICIAL_TRAIN

_WIDTH = 120  # characters of text that no screen limits
_DIGEST = 12  # characters of a digest that tell it from others
_MOST_BAND_ROWS = 16  # of a modality's bands, one a row
_KIB = 1024


def show(*parts: RenderableType) -> None:
    """Prints tables as wide as the screen is; into a file or a pipe, as wide as `_WIDTH`."""
    console = get_console()
    screen = console.width
    try:
        if not console.is_terminal:
            console.width = _WIDTH
        for part in parts:
            console.print(part)
    finally:
        console.width = screen


def text_of(parts: Sequence[RenderableType]) -> str:
    """Tables as plain text."""
    console = Console(file=io.StringIO(), width=_WIDTH, color_system=None, force_terminal=False)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def write_report(scene: xr.Dataset, report: SceneReport, folder: Path) -> None:
    """Writes `quick_look.png`, `report.txt` and `report.json`, each completely or not at all.

    Args:
        scene: The scene that was looked at.
        report: The report on it.
        folder: Takes the files.
    """
    from bdgf.evaluation.scene_check.quick_look import quick_look

    with _whole(folder / "quick_look.png") as partial:
        quick_look(scene, report.title or report.scene).savefig(partial, format="png")
    with _whole(folder / "report.txt") as partial:
        partial.write_text(text_of(report_tables(report)), encoding="utf-8")
    with _whole(folder / "report.json") as partial:
        partial.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")


def scene_table(
    rows: Mapping[str, tuple[SceneConfig, Sequence[ItemFiles]] | str], here: str
) -> Table:
    """The configured scenes, one a row.

    Args:
        rows: Name -> configuration and files, or the line that tells why there is none.
        here: Folder that paths are told from.
    """
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 1, 0))
    table.add_column("scene", no_wrap=True)
    table.add_column("what it is: modalities (bands)", overflow="fold", ratio=2)
    table.add_column("files", overflow="fold", ratio=2)
    table.add_column("licence and source", overflow="fold", ratio=3)
    for name, row in rows.items():
        if isinstance(row, str):
            _add(table, name, "", row, "")
            continue
        config, items = row
        bands = ", ".join(
            f"{m} ({' or '.join(map(str, modality.bands))})" if modality.bands else m
            for m, modality in config.modalities.items()
        )
        source = "\n".join(filter(None, (config.source.licence, config.source.url)))
        classes = f"{len(config.classes)} classes" if config.classes else ""
        what = "\n".join(filter(None, (config.title, bands, classes)))
        _add(table, name, what, _files_text(name, config, items, here), source)
    return table


def _files_text(name: str, config: SceneConfig, items: Sequence[ItemFiles], here: str) -> str:
    if config.fabricate is not None:
        return "generated at run time"
    missing = [item.item for item in items if item.is_missing]
    folders = dict.fromkeys(str(path.parent) for item in items for path in item.paths)
    where = ", ".join(_short(folder, here) for folder in folders)
    if not missing:
        without = [item.item for item in items if not item.paths]
        return f"found in {where}" + (f", without {', '.join(without)}" if without else "")
    if len(missing) == len([item for item in items if not item.optional]) and not where:
        told = "none found"
    else:
        told = f"missing: {', '.join(missing)}" + (f"; the rest in {where}" if where else "")
    return told + (f" (kedro scene fetch {name})" if config.source.files else "")


def report_tables(report: SceneReport) -> list[RenderableType]:
    """A report as a list of tables, with the problems at the end."""
    rows, columns = report.shape
    place = report.crs or "no CRS"
    if report.cell_size is not None:
        size = " x ".join(f"{side:.5g}" for side in report.cell_size)
        place += f", pixels of {size} {report.cell_units}".rstrip()
    head = f"{report.scene}: {report.title or 'no title'}; {rows} x {columns} pixels; {place}"
    parts: list[RenderableType] = [Text(head, style="bold"), Text("")]
    if report.files:
        parts.append(_file_table(report.files))
    parts.append(_layer_table(report.layers))
    parts += [_band_table(layer) for layer in report.layers if 1 < layer.bands <= _MOST_BAND_ROWS]
    parts.append(_class_table(report))
    if report.split is not None:
        parts.append(Text(_split_text(report.split)))
    if report.shifts:
        parts += [Text(""), _shift_table(report.shifts)]
    parts.append(Text(""))
    if not report.findings:
        parts.append(Text("No problems found.", style="green"))
    for number, finding in enumerate(report.findings, start=1):
        parts.append(Text(f"{number}. [{finding.kind}] {finding.text}", style="yellow"))
    return parts


def _file_table(files: Sequence[FileReport]) -> Table:
    table = _table("file", "holds", "stored as", "size", "sha256", title="Files")
    for file in files:
        digest = f"{file.sha256[:_DIGEST]}... ({file.digest_is})"
        _add(table, str(file.path), ", ".join(file.items), file.dtype, _size(file.size), digest)
    return table


def _layer_table(layers: Sequence[Layer]) -> Table:
    table = _table(
        *("modality", "kind", "bands", "units", "scale", "least", "1 %", "median", "99 %"),
        *("greatest", "no data"),
        title="Modalities (percentiles over all bands)",
    )
    for layer in layers:
        middle = np.percentile(layer.sample, (1, 50, 99))
        numbers = (layer.least.min(), *middle, layer.greatest.max())
        units = layer.units or "not said"
        told = (layer.name, layer.kind, str(layer.bands), units, layer.scale)
        _add(table, *told, *(f"{number:.4g}" for number in numbers), f"{layer.no_data:.2%}")
    return table


def _band_table(layer: Layer) -> Table:
    names = ("least", "1 %", "5 %", "median", "95 %", "99 %", "greatest")
    table = _table("band", *names, title=f"Bands of {layer.name}, counted from 0")
    for band, number in enumerate(layer.numbers):
        values = (layer.least[band], *layer.percentiles[:, band], layer.greatest[band])
        _add(table, str(number), *(f"{value:.4g}" for value in values))
    return table


def _class_table(report: SceneReport) -> Table:
    columns = {
        "labelled": report.counts.get(LABELS),
        "official train": report.counts.get(OFFICIAL_TRAIN),
        "official test": report.counts.get(OFFICIAL_TEST),
    }
    if report.split is not None:
        columns |= {f"split: {part}": counts for part, counts in report.split.counts.items()}
    columns = {name: counts for name, counts in columns.items() if counts is not None}
    table = _table("id", "class", *columns, title="Classes (pixels with data)")
    for class_id, name in zip(report.classes.ids, report.classes.names, strict=True):
        numbers = [f"{counts[class_id - 1]:,}" for counts in columns.values() if counts is not None]
        _add(table, str(class_id), name, *numbers)
    totals = [f"{counts.sum():,}" for counts in columns.values() if counts is not None]
    _add(table, "", "all", *totals)
    return table


def _split_text(split: SplitReport) -> str:
    return (
        f"split '{split.name}': {split.leakage:.1%} of its test pixels have a training or "
        f"validation pixel in their patch of {split.patch} x {split.patch} (leakage)"
    )


def _shift_table(shifts: Sequence[Shift]) -> Table:
    table = _table(
        *("modality", "lies off", "down", "right", "peak / noise", "windows", "verdict"),
        title="Registration (pixels, with 95 % intervals)",
    )
    for shift in shifts:
        down, right = (
            f"{round(size, 1) + 0.0:+.1f} +- {2 * error:.1f}"  # -0.0 is 0.0
            for size, error in zip((shift.down, shift.right), shift.errors, strict=True)
        )
        known = (down, right) if shift.is_measured else ("", "")
        names = (shift.second, shift.first)
        _add(table, *names, *known, f"{shift.ratio:.1f}", str(shift.windows), _verdict(shift))
    return table


def _verdict(shift: Shift) -> str:
    if not shift.is_measured:
        return "too few edges in common to tell"
    return "misregistered" if shift.is_told else f"no shift of {shift.least:g} px or more"


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _add(table: Table, *cells: str) -> None:
    table.add_row(*(Text(cell) for cell in cells))  # a bracket in a title is no markup


def _short(path: str, here: str) -> str:
    absolute = Path(path).absolute()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else path


def _size(size: int) -> str:
    units = ("B", "KiB", "MiB", "GiB")
    power = next((i for i in range(len(units) - 1) if size < _KIB ** (i + 1)), len(units) - 1)
    return f"{size / _KIB**power:,.{0 if power == 0 else 1}f} {units[power]}"


def _whole(path: Path) -> Any:
    return written_whole(path, path.with_name(f".{path.name}.part"))
