"""The data of a map's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.evaluation.prediction_sets import SetRule
from bdgf.scenes.classes import ClassTable

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS


@dataclass(frozen=True)
class RunFacts:
    """Facts about a run in addition to its results.

    Attributes:
        settings: (name, value, default) of each setting that differs from its default.
        seconds: Wall time by step of the work.
        provenance: What it was made from and with: a line by name.
    """

    settings: Sequence[tuple[str, str, str]] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MapResult:
    """A map with its quality and its origin.

    Maps may be thinned: every `step`-th pixel of (H, W), so that they are (h, w).

    Attributes:
        scene: What was mapped.
        model: What drew it.
        lead: A line that says what this is.
        shape: (H, W) of the whole map.
        step: Every how many pixels one is in the maps below.
        classes: The class table.
        class_map: (h, w) uint8 class ids, 0 = none.
        uncertainty: (h, w) entropy in 0..1, NaN = none.
        pixels: (K,) pixels of each class in the whole map.
        areas: (K,) hectares of each class; None where the place on the Earth is not known.
        metres: Width and height of a pixel; None likewise.
        place: A line about reference system and corners, "" where there is none.
        images: (h, w, 3) in 0..1 of each modality, by what is seen.
        labels: (h, w) uint8 reference class ids, 0 = unlabelled; None without.
        scored: (h, w) bool, the labelled pixels that are scored; None without labels.
        split: (h, w) uint8 parts; None where there is no split.
        split_counts: (class, part) pixels of the whole scene, by part's name; None likewise.
        votes: (h, w) uint8 class ids of each branch, by its name; none for a single one.
        set_sizes: (h, w) uint8 classes in each pixel's prediction set, 0 = none; None without.
        sets: Which classes these hold; None likewise.
        metrics: As in `metrics.json`; None where nothing was scored.
        curves: (step, value) pairs by metric, of pretraining and training.
        balance: Numbers of each modality, by measure: {measure: {modality: value}}.
        facts: Settings, timings, provenance.
    """

    scene: str
    model: str
    lead: str
    shape: tuple[int, int]
    step: int
    classes: ClassTable
    class_map: np.ndarray
    uncertainty: np.ndarray
    pixels: np.ndarray
    areas: np.ndarray | None = None
    metres: tuple[float, float] | None = None
    place: str = ""
    images: Mapping[str, np.ndarray] = field(default_factory=dict)
    labels: np.ndarray | None = None
    scored: np.ndarray | None = None
    split: np.ndarray | None = None
    split_counts: Mapping[str, np.ndarray] | None = None
    votes: Mapping[str, np.ndarray] = field(default_factory=dict)
    set_sizes: np.ndarray | None = None
    sets: SetRule | None = None
    metrics: Mapping[str, Any] | None = None
    curves: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    balance: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    facts: RunFacts = field(default_factory=RunFacts)


def place_text(shape: tuple[int, int], crs: CRS | None, transform: Affine | None) -> str:
    """One line with a map's location: reference system and coordinates of two corners."""
    if crs is None or transform is None:
        return ""
    code = crs.to_epsg()
    name = f"EPSG:{code}" if code else "a reference system without an EPSG code"
    first, last = transform @ (0, 0), transform @ (shape[1], shape[0])
    digits = 5 if crs.is_geographic else 0
    corners = [f"({x:.{digits}f}, {y:.{digits}f})" for x, y in (first, last)]
    return f"{name}, from {corners[0]} at the upper left to {corners[1]} at the lower right"
