"""Fit of the linear branch: logistic regression, chosen by spatial cross-validation.

Which statistics it sees and how strongly it is held back is chosen on training pixels alone: folds
of whole blocks, with the pixels around what is held out left out too, as test pixels lie apart from
training pixels. So each scene gets its own by one rule for all.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from bdgf.networks.linear_branch import LinearBranch, LinearSettings
from bdgf.scenes.block_folds import block_folds
from bdgf.scenes.windows import SceneArrays, gather_batch
from bdgf.training.sampling import ClassWeights, Pixels, class_weights, thin_classes

log = logging.getLogger(__name__)

_ITERATIONS = 500  # of L-BFGS, which converges in some dozens on standardised columns
_LEAST_PROBABILITY = 1e-3  # that a held-out pixel's loss reckons with: one mistake decides nothing


@dataclass(frozen=True)
class LinearChoice:
    """What cross-validation chose.

    Attributes:
        statistics: Names of the statistics beside the pixel's channels.
        inverse_penalty: C.
        loss: Cross-entropy on held-out training pixels; None where none could be held out.
    """

    statistics: tuple[str, ...]
    inverse_penalty: float
    loss: float | None


def fit_linear_branch(
    branch: LinearBranch,
    arrays: SceneArrays,
    valid: tuple[Tensor, ...],
    pixels: Pixels,
    settings: LinearSettings,
    *,
    patch: int,
    weighting: ClassWeights,
    seed: int,
) -> LinearChoice:
    """Chooses and fits the weights of `branch`.

    Args:
        branch: The branch; its weights are set.
        arrays: The scene.
        valid: `level_valid` of the scene's valid pixels.
        pixels: All pixels whose labels may be seen; each class has one.
        settings: What there is to choose from.
        patch: Width of the patch in pixels.
        weighting: How the classes are weighted.
        seed: Decides the folds.

    Returns:
        What was chosen.
    """
    rng = np.random.default_rng([seed, 5])
    weights = class_weights(pixels.targets, int(pixels.targets.max()) + 1, weighting)
    counts, pixels = np.bincount(pixels.targets), thin_classes(pixels, settings.pixels, rng)
    share = np.ones(len(pixels)) if weights is None else weights[pixels.targets].astype(float)
    if len(pixels) < counts.sum():  # a pixel of a thinned class stands for those left out
        share *= (counts / np.bincount(pixels.targets))[pixels.targets]
        share *= len(pixels) / share.sum()
    table = _describe(branch, arrays, valid, pixels, patch)
    at = (pixels.rows, pixels.cols)
    classes = np.zeros(arrays.shape, np.int64)
    classes[at] = 1 + pixels.targets
    folds = [
        (train[at], held[at])
        for _ in range(settings.repeats)
        for train, held in block_folds(classes, settings.folds, settings.block, patch // 2, rng)
    ]
    candidates = list(product(settings.candidates, settings.inverse_penalties))
    losses = [
        _held_out_loss(table[:, _columns(branch, names)], pixels.targets, share, folds, penalty)
        for names, penalty in candidates
    ]
    best = int(np.argmin(losses)) if folds else 0  # without folds the first, simplest candidate
    chosen = LinearChoice(*candidates[best], losses[best] if folds else None)
    log.info(
        "linear branch: %s, C %g, %s",
        ", ".join(("the pixel", *chosen.statistics)),
        chosen.inverse_penalty,
        f"cross-entropy {chosen.loss:.3f} on held-out training pixels"
        if chosen.loss is not None
        else "the simplest, as no training pixels could be held out",
    )
    columns = _columns(branch, chosen.statistics)
    weight, bias = _fit(table[:, columns], pixels.targets, share, chosen.inverse_penalty)
    full = np.zeros(branch.weight.shape)
    full[:, columns] = weight
    branch.set_weights(torch.from_numpy(full), torch.from_numpy(bias))
    return chosen


def _describe(
    branch: LinearBranch,
    arrays: SceneArrays,
    valid: tuple[Tensor, ...],
    pixels: Pixels,
    patch: int,
    chunk: int = 1024,
) -> np.ndarray:
    # (n, F) float64 statistics of the pixels' patches.
    rows, cols = (torch.from_numpy(index) for index in (pixels.rows, pixels.cols))
    device, described = arrays.channels.device, []
    for part_rows, part_cols in zip(rows.split(chunk), cols.split(chunk), strict=True):
        at = part_rows.to(device), part_cols.to(device)
        batch = gather_batch(arrays, valid, *at, patch, levels=0)
        scene, inside = (w.permute(0, 2, 3, 1) for w in (batch.scene, batch.scene_inside))
        # The network may not be on the scene's device yet.
        patches = branch.embed(scene, inside).to(branch.weight.device)
        described.append(branch.describe(patches).double().cpu())
    return torch.cat(described).numpy()


def _columns(branch: LinearBranch, statistics: tuple[str, ...]) -> np.ndarray:
    # Which of the branch's F numbers belong to the pixel and to `statistics`.
    places = [0, *(1 + branch.describe.statistics.index(name) for name in statistics)]
    channels = np.arange(branch.describe.channels)
    return np.concatenate([place * len(channels) + channels for place in places])


def _fit(
    table: np.ndarray, targets: np.ndarray, share: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    # Weights (K, F) and bias (K,) on the table as it is; K the classes that `targets` holds.
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(table)
    model = LogisticRegression(C=penalty, max_iter=_ITERATIONS)
    model.fit(scaler.transform(table), targets, sample_weight=share)
    weight, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps the second class's logit alone
        weight, bias = np.concatenate([0 * weight, weight]), np.concatenate([0 * bias, bias])
    weight = weight / scaler.scale_
    return weight, bias - weight @ scaler.mean_


def _held_out_loss(
    table: np.ndarray,
    targets: np.ndarray,
    share: np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
    penalty: float,
) -> float:
    # Weighted mean cross-entropy over all that was held out.
    from scipy.special import softmax

    total, weight = 0.0, 0.0
    for train, held in folds:
        slopes, bias = _fit(table[train], targets[train], share[train], penalty)
        places = np.searchsorted(np.unique(targets[train]), targets[held])
        probabilities = softmax(table[held] @ slopes.T + bias, axis=1)
        right = probabilities[np.arange(len(places)), places]
        total -= float(share[held] @ np.log(np.maximum(right, _LEAST_PROBABILITY)))
        weight += float(share[held].sum())
    return total / weight if weight else 0.0
