"""The seams of dense features: how much two ways of tiling a scene differ."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import xarray as xr

from bdgf.core.weights import Weights, read_weights
from bdgf.features.cube import FeatureCube
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.preprocessing.preparation import Preparation
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from bdgf.training.devices import make_fabric
from benchmarks import overhead
from benchmarks.comparison import Comparison
from benchmarks.scenes import base_settings

SIZE, SEED, TILE, TIMESTEP = 224, 1, 64, 100


def compare(folder: Path) -> list[Comparison]:
    """Seams of the features of a denoiser that was trained: fresh weights mix little.

    Args:
        folder: Where `overhead` left the demo's run; it is made here if it is not there.
    """
    if not (folder / overhead.DEMO).exists():
        overhead.demo(folder / overhead.DEMO)
    denoiser, preparation = (
        read_weights(overhead.latest(folder, name)) for name in ("denoiser", "preparation")
    )
    landscape = make_demo_scene(DemoSettings(seed=SEED, size=SIZE))
    scene = Preparation.from_weights(preparation).apply(landscape)
    return [two_tilings(denoiser, scene)]


def two_tilings(weights: Weights, scene: xr.Dataset) -> Comparison:
    """How much the features of two tilings differ: whole scene, and small tiles.

    Args:
        weights: A trained denoiser.
        scene: A scene of its modalities, larger than its tiles.
    """
    settings = base_settings("features", FeatureSettings, timesteps=(TIMESTEP,))
    fabric = make_fabric()
    with tempfile.TemporaryDirectory() as folder:
        whole = extract_features(weights, scene, settings, Path(folder) / "whole.h5", fabric=fabric)
        tiled = settings.model_copy(update={"tile": TILE})
        cut = extract_features(
            weights, scene, tiled, Path(folder) / "cut.h5",
            fabric=fabric, normalisation=whole.normalisation(),
        )  # fmt: skip
        differences = {f"level {lv}": [_difference(whole, cut, lv)] for lv in whole.levels}
    return Comparison(
        f"seams: features of {TILE} px tiles with a halo of {settings.halo} px, "
        f"against the whole scene at once ({scene.sizes['y']}x{scene.sizes['x']} px)",
        "% of a channel's deviation",
        differences,
        rivals=False,
        note="Root mean square of the difference over all cells and channels, each in units "
        "of its own standard deviation. Denoiser of the demo's full run, on a larger demo "
        "landscape.",
    )


def _difference(whole: FeatureCube, cut: FeatureCube, level: int) -> float:
    one, other = (cube.read(level).astype(np.float32) for cube in (whole, cut))
    deviation = one.std(axis=(1, 2), keepdims=True)
    relative = (one - other) / np.where(deviation > 0, deviation, 1)
    return float(100 * np.sqrt(np.square(relative).mean()))
