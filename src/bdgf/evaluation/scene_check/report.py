"""Result of a scene's check, as one object for programs and tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bdgf.evaluation.scene_check.finding import Finding
from bdgf.evaluation.scene_check.labels import SplitReport
from bdgf.evaluation.scene_check.layers import PERCENTILES, Layer
from bdgf.evaluation.scene_check.registration import Shift
from bdgf.scenes.classes import ClassTable

_DIGITS = 6  # of a number in the report


@dataclass(frozen=True)
class FileReport:
    """A file of a scene.

    Attributes:
        items: The modalities and label maps that are in it.
        path: Where it is.
        size: In bytes.
        sha256: Its digest.
        published: The digest that the scene's file gives, "" for none.
        dtype: The type in which it stores its values.
    """

    items: tuple[str, ...]
    path: Path
    size: int
    sha256: str
    published: str
    dtype: str

    @property
    def digest_is(self) -> str:
        """Comparison of its digest with the configured one, in one word."""
        if not self.published:
            return "none configured"
        return "as published" if self.sha256 == self.published.lower() else "another"


@dataclass(frozen=True)
class SceneReport:
    """Contents and problems of a scene.

    Attributes:
        scene: Its name.
        title: What people call it.
        shape: Rows and columns.
        cell_size: Height and width of a pixel in units of the CRS; None without a transform.
        cell_units: These units, "" without a CRS.
        crs: Its coordinate reference system, "" for none.
        files: Its files; none where it is fabricated.
        layers: Its modalities in numbers.
        classes: Its classes.
        counts: Map of labels -> (K,) pixels of each class.
        split: The split that a run would take; None where there is none.
        shifts: How the modalities lie to each other.
        findings: What will hurt.
    """

    scene: str
    title: str
    shape: tuple[int, int]
    cell_size: tuple[float, float] | None
    cell_units: str
    crs: str
    files: tuple[FileReport, ...]
    layers: tuple[Layer, ...]
    classes: ClassTable
    counts: dict[str, np.ndarray]
    split: SplitReport | None
    shifts: tuple[Shift, ...]
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """The report in JSON types."""
        return {
            "scene": self.scene,
            "title": self.title,
            "shape": list(self.shape),
            "cell_size": None if self.cell_size is None else list(self.cell_size),
            "cell_units": self.cell_units,
            "crs": self.crs,
            "files": [
                {
                    "items": list(file.items),
                    "path": str(file.path),
                    "bytes": file.size,
                    "dtype": file.dtype,
                    "sha256": file.sha256,
                    "published_sha256": file.published or None,
                }
                for file in self.files
            ],
            "modalities": {layer.name: _layer(layer) for layer in self.layers},
            "classes": [
                {"id": i, "name": self.classes.name(i), "color": self.classes.colors[i - 1]}
                | {key: int(counts[i - 1]) for key, counts in self.counts.items()}
                for i in self.classes.ids
            ],
            "split": None if self.split is None else _split(self.split),
            "shifts": [_shift(shift) for shift in self.shifts],
            "findings": [{"kind": f.kind, "text": f.text} for f in self.findings],
        }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "kind": layer.kind,
        "units": layer.units,
        "scale": layer.scale,
        "bands": layer.bands,
        "band_numbers": layer.numbers.tolist(),
        "no_data": round(layer.no_data, _DIGITS),
        "least": _numbers(layer.least),
        "greatest": _numbers(layer.greatest),
        "percentiles": {
            str(p): _numbers(values)
            for p, values in zip(PERCENTILES, layer.percentiles, strict=True)
        },
    }


def _split(split: SplitReport) -> dict[str, Any]:
    return {
        "name": split.name,
        "patch": split.patch,
        "leakage": round(split.leakage, _DIGITS),
        "by_class": {part: counts.tolist() for part, counts in split.counts.items()},
    }


def _shift(shift: Shift) -> dict[str, Any]:
    return {
        "first": shift.first,
        "second": shift.second,
        "down": round(shift.down, 2),
        "right": round(shift.right, 2),
        "ratio": round(shift.ratio, 2),
        "errors": [round(error, 2) for error in shift.errors],
        "windows": shift.windows,
        "measured": shift.is_measured,
    }


def _numbers(values: np.ndarray) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in values]
