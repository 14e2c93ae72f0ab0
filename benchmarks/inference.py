"""The whole map from one stream of row blocks, beside patches from a DataLoader.

And the fast network (`inference.fast`) beside the whole one.
"""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import torch

from bdgf.inference.settings import InferenceSettings
from bdgf.models.base import SceneInputs
from bdgf.models.patch.predict_map import predict_map
from bdgf.nn.fused import cells
from benchmarks.comparison import Comparison, interleave, rates
from benchmarks.machine import measured_rates
from benchmarks.patches import loaded, precut, random_pixels
from benchmarks.scenes import (
    COAST_SHAPE,
    base_settings,
    classifier_for,
    fast_model,
    prepared_scene,
    scene_arrays,
)
from benchmarks.training import PUBLISHED, all_inside, forward_operations

ROWS, SAMPLE, BATCH, WORKERS = 64, 4096, 512, 2
TARGET, AIM = 1.5, 12_000
FAST_LIMIT = 60_000


def compare() -> list[Comparison]:
    """Pixels a second of a strip of the map."""
    shape = ROWS, COAST_SHAPE[1]
    arrays = scene_arrays(shape)
    classifier = classifier_for(arrays).eval()
    settings = base_settings("inference", InferenceSettings)
    rows, cols = random_pixels(arrays, SAMPLE)
    batches = loaded(precut(arrays.to("cpu"), rows, cols), BATCH, WORKERS)

    @torch.inference_mode()
    def patches() -> None:
        for scene, *features in batches():
            classifier.fuse(classifier(all_inside(scene, features)).logits)

    valid = np.ones(shape, bool)
    fast, inputs = fast_model(), SceneInputs(prepared_scene())

    def draw() -> None:
        predict_map(classifier, arrays, valid, settings)

    names = (
        f"DataLoader, {WORKERS} workers, batches of {BATCH} pre-cut patches",
        *("bdgf, operator by operator", "bdgf", "the fast network"),
    )
    functions = (
        by_operators(patches),
        by_operators(draw),
        draw,
        lambda: fast.predict_map(inputs, settings),
    )
    seconds = interleave(dict(zip(names, functions, strict=True)))
    strip = ROWS * shape[1]
    amounts = (SAMPLE, strip, strip, COAST_SHAPE[0] * COAST_SHAPE[1])
    found = rates(seconds, dict(zip(names, amounts, strict=True)))
    comparison = Comparison(
        f"full-map inference, {shape[0]}x{shape[1]} px, three branches, all levels",
        "pixels/s",
        {name: found[name] for name in names[:3]},
        more_is_better=True,
        floor=SAMPLE * measured_rates().matrix / forward_operations(arrays, SAMPLE),
        bound="operations of one patch at a time",
        target=TARGET,
        note="All with the same weights and the fast scan; the first two with PyTorch's operators, "
        "the last one with compiled blocks where the processor has AVX-512. The floor counts the "
        "whole network on every patch; embedding every pixel once spares a part of it.",
    )
    ours = {names[2]: found[names[2]]}
    absolute = Comparison(
        "the same, beside the aim", "pixels/s", ours, more_is_better=True,
        limit=AIM, note=PUBLISHED,
    )  # fmt: skip
    distilled = Comparison(
        f"the fast network (`inference.fast`), {COAST_SHAPE[0]}x{COAST_SHAPE[1]} px",
        "pixels/s",
        {f"bdgf, {ROWS} rows of it": found[names[2]], names[3]: found[names[3]]},
        more_is_better=True,
        limit=FAST_LIMIT,
        note="Settings of `conf/base`, prepared channels in memory. The whole network is timed "
        "without making its diffusion features.",
    )
    return [comparison, absolute, distilled]


def by_operators(function: Callable[[], None]) -> Callable[[], None]:
    """The same function with PyTorch's operators in place of compiled blocks."""

    def run() -> None:
        with patch.object(cells, "_wide_registers", return_value=False):
            function()

    return run
