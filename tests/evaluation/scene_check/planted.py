"""The demo scene with one thing or another wrong in it."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import xarray as xr

from bdgf.evaluation.scene_check.check import look_at_scene
from bdgf.evaluation.scene_check.report import SceneReport
from bdgf.scenes.config import SceneConfig
from bdgf.scenes.ingest.reading_record import ReadingRecord
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from bdgf.splits.settings import SplitSettings

PATCH = 11


@cache
def _demo(seed: int) -> xr.Dataset:
    return make_demo_scene(DemoSettings(seed=seed))


def demo(seed: int = 0) -> xr.Dataset:
    """A copy that may be changed."""
    return _demo(seed).copy(deep=True)


def look(scene: xr.Dataset, **split: object) -> SceneReport:
    """The report on a scene."""
    config = SceneConfig(title="Planted", fabricate=DemoSettings())
    return look_at_scene(scene, config, ReadingRecord(), SplitSettings(**split), 0, PATCH)


def kinds(scene: xr.Dataset, **split: object) -> set[str]:
    """The kinds of what the check finds."""
    return {finding.kind for finding in look(scene, **split).findings}


def text(scene: xr.Dataset, kind: str) -> str:
    """The one line of a kind."""
    (line,) = (f.text for f in look(scene).findings if f.kind == kind)
    return line


def with_modality(scene: xr.Dataset, name: str, values: np.ndarray, **attrs: str) -> xr.Dataset:
    """The scene with one modality more."""
    names = [*json.loads(scene.attrs["modalities"]), name]
    return scene.assign({name: (("y", "x", f"band_{name}"), values, attrs)}).assign_attrs(
        modalities=json.dumps(names)
    )
