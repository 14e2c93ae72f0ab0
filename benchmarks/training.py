"""Training steps of the whole guided network, as users run them and as peers would."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from bdgf.models.bdgf.classifier import Classifier
from bdgf.models.bdgf.model import guided_classifier
from bdgf.models.patch.fit import fit_classifier
from bdgf.models.patch.mutual_learning import classification_loss
from bdgf.raster.patches import PatchBatch, SceneTensors, gather_batch, level_valid
from bdgf.splits.parts import TRAIN
from benchmarks.comparison import FEW_ROUNDS, Comparison
from benchmarks.machine import measured_rates
from benchmarks.patches import PATCH, loaded, precut, random_pixels
from benchmarks.pretraining import Clock
from benchmarks.scenes import COAST_CLASSES, classifier_for, scene_arrays, train_settings

BATCHES, BATCH, WORKERS, PIXELS = 6, 64, 2, 1200
AIM = 1200
PUBLISHED = (
    "Orientation, published networks on a scene of this size on another 2-core machine (patch 11, "
    "batch 64 in training, 512 in mapping; figures quoted, not measured here): training samples/s "
    "HCT 1,696, S2ENet 1,646, MFT 1,620, DCMNet 307, MSFMamba 80; map pixels/s S2ENet 8,852, "
    "HCT 6,026, MFT 5,730, DCMNet 1,357, MSFMamba 338."
)


def compare() -> list[Comparison]:
    """Samples a second of training."""
    arrays = scene_arrays()
    names = (
        "DataLoader, pre-cut patches, plain scan, AdamW not fused",
        "bdgf with the plain scan",
        "bdgf",
    )
    measures = (
        peers_way(arrays),
        lambda: samples_a_second(arrays, "reference"),
        lambda: samples_a_second(arrays, "auto"),
    )
    values: dict[str, list[float]] = {name: [] for name in names}
    with classical_branch_fitted_once():
        for turn in range(FEW_ROUNDS + 1):
            for name, measure in zip(names, measures, strict=True):
                rate = measure()
                if turn:
                    values[name].append(rate)
    operations = forward_operations(arrays, BATCH)
    return [
        Comparison(
            f"training step of the three-branch network, batch {BATCH}, scene of `coast`'s size",
            "samples/s",
            values,
            more_is_better=True,
            # A backward pass is two products for each of the forward pass.
            floor=BATCH * measured_rates().matrix / (3 * operations),
            bound="operations",
            limit=AIM,
            note=PUBLISHED,
        ),
    ]


def samples_a_second(
    arrays: SceneTensors, backend: str, batches: int = BATCHES, first_consistency: int | None = None
) -> float:
    """The rate of `fit_classifier` in its second epoch."""
    clock = Clock("train/loss")
    settings = train_settings(
        backend,
        first_consistency,
        judged=False,
        epochs=2,
        batches_per_epoch=batches,
        batch_size=BATCH,
    )
    labels, split = _labels(arrays.shape)
    valid, make = np.ones(arrays.shape, bool), guided_classifier(settings.classifier)
    fit_classifier(arrays, labels, split, valid, COAST_CLASSES, settings, 0, make, logger=clock)
    return BATCH * batches / (clock.times[1] - clock.times[0])


@contextmanager
def classical_branch_fitted_once() -> Iterator[None]:
    """Later trainings of the same scene take over the first one's classical branch.

    Its fit comes before the steps that are timed, and takes several times as long as they do.
    """
    plain, kept = Classifier.fit_before_training, []

    def fit(self: Classifier, *given: Any) -> Any:
        if not kept:
            kept.append((plain(self, *given), copy.deepcopy(self.classical)))
        fitted, branch = kept[0]
        self.classical = copy.deepcopy(branch)
        return fitted

    with patch.object(Classifier, "fit_before_training", fit):
        yield


def peers_way(arrays: SceneTensors) -> Callable[[], float]:
    """The same network and loss, its batches from a DataLoader; the rate of an epoch."""
    classifier = classifier_for(arrays, backend="reference")
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=1e-3, fused=False)
    rows, cols = random_pixels(arrays, BATCH * BATCHES)
    batches = loaded(precut(arrays.to("cpu"), rows, cols), BATCH, WORKERS)
    targets = torch.arange(BATCH) % COAST_CLASSES
    settings = train_settings().mutual_learning

    def epoch() -> float:
        start = time.perf_counter()
        for scene, *features in batches():
            output = classifier(all_inside(scene, features))
            loss = classification_loss(output.logits, output.embeddings, targets, settings)["loss"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return BATCH * BATCHES / (time.perf_counter() - start)

    return epoch


def all_inside(scene: torch.Tensor, features: list[torch.Tensor]) -> PatchBatch:
    """Pre-cut patches whose cells all hold data."""
    inside = [torch.ones(len(p), 1, *p.shape[2:], dtype=torch.bool) for p in (scene, *features)]
    centres = tuple(p[:, :, p.shape[2] // 2, p.shape[3] // 2].float() for p in features)
    return PatchBatch(scene, inside[0], tuple(features), tuple(inside[1:]), centres)


def forward_operations(arrays: SceneTensors, batch: int) -> int:
    """Floating-point operations of one forward pass; those of the scan are not counted."""
    classifier = classifier_for(arrays)
    rows, cols = random_pixels(arrays, batch)
    valid = level_valid(torch.ones(arrays.shape, dtype=torch.bool), len(arrays.features))
    patches = gather_batch(arrays.to("cpu"), valid, rows, cols, PATCH)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        classifier(patches)
    return counter.get_total_flops()


def _labels(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels, split = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    chosen = rng.choice(labels.size, PIXELS, replace=False)
    labels.flat[chosen] = 1 + np.arange(PIXELS) % COAST_CLASSES
    split.flat[chosen] = TRAIN
    return labels, split
