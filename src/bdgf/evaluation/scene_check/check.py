"""The check of a scene: all single checks, in order."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.evaluation.scene_check.bands import constant_bands, duplicate_bands, wild_pixels
from bdgf.evaluation.scene_check.finding import Finding
from bdgf.evaluation.scene_check.labels import class_counts, label_findings, split_report
from bdgf.evaluation.scene_check.layers import Layer, layer_mask, look_at_layer
from bdgf.evaluation.scene_check.registration import Shift, modality_shifts
from bdgf.evaluation.scene_check.report import FileReport, SceneReport
from bdgf.evaluation.scene_check.units import unit_findings
from bdgf.scenes.config import SceneConfig, parse_scene_config
from bdgf.scenes.file_search import raw_digest, raw_size
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest
from bdgf.scenes.ingest.reading_record import ReadingRecord
from bdgf.scenes.scene import class_table, georeference, modality_names
from bdgf.splits.settings import SplitSettings

if TYPE_CHECKING:
    from rasterio.crs import CRS

_PACKAGE = "bdgf"  # whose log is listened to
_LAYER_GAP = 0.1  # share of pixels that one layer lacks and another has


def check_scene_files(
    name: str,
    configuration: Mapping[str, Any],
    settings: IngestSettings,
    split: SplitSettings,
    seed: int,
    patch: int,
    seen: int | None = None,
) -> tuple[xr.Dataset, SceneReport]:
    """Reads a scene like `ingest`, and reports its contents and problems.

    Args:
        name: The scene's name.
        configuration: What its YAML file holds below the name.
        settings: Where its files are looked for.
        split: The split's settings.
        seed: Seed of the split.
        patch: Side of the classifier's patch in pixels, odd.
        seen: Side of the square that the model in use sees: what leakage is computed with; None
            takes the patch.

    Returns:
        The scene, and the report on it.

    Raises:
        SettingsError: The configuration is wrong.
        SceneError: The files cannot be read as a scene.
    """
    config, record = parse_scene_config(name, configuration), ReadingRecord()
    with _warnings_kept() as warned:
        scene = ingest(name, configuration, settings, record)
        report = look_at_scene(scene, config, record, split, seed, patch, seen)
    told = {finding.text for finding in report.findings}
    said = [Finding("reading", text) for text in dict.fromkeys(warned) if text not in told]
    return scene, _with_findings(report, said)


def look_at_scene(
    scene: xr.Dataset,
    config: SceneConfig,
    record: ReadingRecord,
    split: SplitSettings,
    seed: int,
    patch: int,
    seen: int | None = None,
) -> SceneReport:
    """The report on a scene in memory.

    Args:
        scene: The scene.
        config: Its configuration.
        record: What reading it showed.
        split: The split's settings.
        seed: Seed of the split.
        patch: Side of the classifier's patch in pixels, odd.
        seen: Side of the square that the model in use sees: what leakage is computed with; None
            takes the patch.
    """
    names = modality_names(scene)
    masks = {name: layer_mask(scene, name) for name in names}
    modalities = {name: scene[name] for name in names}
    layers = [
        look_at_layer(scene[m], masks[m], record.no_data.get(m), record.numbers.get(m))
        for m in names
    ]
    numbers = {layer.name: layer.numbers.tolist() for layer in layers}
    shifts = modality_shifts(modalities, masks, [layer.name for layer in layers if layer.is_height])
    split_taken, split_findings = split_report(scene, split, seed, patch, seen or patch)
    findings = [
        *unit_findings(layers, scene, masks),
        *(finding for layer in layers for finding in constant_bands(layer)),
        *duplicate_bands(modalities, masks, numbers),
        *(f for name in names for f in wild_pixels(scene[name], masks[name], numbers[name])),
        *_holes(layers),
        *(_misregistration(shift) for shift in shifts if shift.is_told),
        *label_findings(scene, patch),
        *split_findings,
    ]
    crs, transform = georeference(scene)
    cell = None
    if transform is not None:
        cell = (
            float(np.hypot(transform.b, transform.e)),
            float(np.hypot(transform.a, transform.d)),
        )
    return SceneReport(
        str(scene.attrs["scene"]),
        config.title,
        (scene.sizes["y"], scene.sizes["x"]),
        cell,
        _units(crs),
        "" if crs is None else crs.to_string(),
        _files(record, config),
        tuple(layers),
        class_table(scene),
        class_counts(scene),
        split_taken,
        tuple(shifts),
        tuple(findings),
    )


def _files(record: ReadingRecord, config: SceneConfig) -> tuple[FileReport, ...]:
    items: dict[Any, list[str]] = {}
    dtypes: dict[Any, list[str]] = {}
    for item, paths in record.files.items():
        for path, dtype in zip(paths, record.dtypes[item], strict=True):
            items.setdefault(path, []).append(item)
            dtypes.setdefault(path, []).append(dtype)
    try:
        return tuple(
            FileReport(
                tuple(names),
                path,
                raw_size(path),
                raw_digest(path),
                config.source.sha256.get(path.name, ""),
                ", ".join(dict.fromkeys(dtypes[path])),
            )
            for path, names in items.items()
        )
    except FileNotFoundError as error:
        raise SceneError(f"{error.filename} is gone since it was read; put it back") from error


def _holes(layers: list[Layer]) -> list[Finding]:
    most = max(layers, key=lambda layer: layer.no_data)
    least = min(layers, key=lambda layer: layer.no_data)
    if most.no_data - least.no_data < _LAYER_GAP:
        return []
    text = (
        f"modality {most.name} has no data on {most.no_data:.0%} of the pixels, {least.name} on "
        f"{least.no_data:.0%}: what one lacks, the other is alone on; crop the scene to where both "
        "have data, or correct `nodata`"
    )
    return [Finding("holes", text)]


def _units(crs: CRS | None) -> str:
    if crs is None:
        return ""
    name = crs.units_factor[0]
    return {"metre": "m", "degree": "degrees"}.get(name, name)


def _misregistration(shift: Shift) -> Finding:
    down = _component(shift.down, shift.errors[0], "down", "up")
    right = _component(shift.right, shift.errors[1], "to the right", "to the left")
    known = [text for text, is_known in (down, right) if is_known]
    unknown = [text for text, is_known in (down, right) if not is_known]
    text = (
        f"modality {shift.second} lies off {shift.first}: {'; '.join(known + unknown)} (95 % "
        f"intervals, edges in {shift.windows} windows): coregister the two, or correct the "
        "file's transform; models take a pixel for the same place in all"
    )
    return Finding("misregistration", text)


def _component(size: float, error: float, after: str, before: str) -> tuple[str, bool]:
    """A component of a shift in words, and whether its interval leaves 0 out."""
    if abs(size) <= 2 * error:
        return f"{before} or {after} it may lie as it should (+- {2 * error:.1f} px)", False
    return f"{abs(size):.1f} +- {2 * error:.1f} px {after if size > 0 else before}", True


def _with_findings(report: SceneReport, first: list[Finding]) -> SceneReport:
    return replace(report, findings=(*first, *report.findings))


@contextmanager
def _warnings_kept() -> Iterator[list[str]]:
    """Collects the warnings of the package's log, so that they appear only in the report."""
    kept: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(" ".join(record.getMessage().split()))

    logger, handler = logging.getLogger(_PACKAGE), Keeping(logging.WARNING)
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield kept
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates
