"""Fit of the classical branch: components without labels, then what the labelled pixels say.

What its linear map sees, and how much it counts beside the forest, is decided by cross-validation
on training pixels alone: folds of whole blocks, with the pixels around what is held out left out
too, as test pixels lie apart from training pixels. So each scene gets its own by one rule for all.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bdgf.models.bdgf.classical.branch import ClassicalBranch, ClassicalSettings
from bdgf.models.bdgf.classical.forest_fit import as_arrays, forest_probabilities, grow_forest
from bdgf.models.bdgf.classical.logistic_fit import (
    Folds,
    LinearFit,
    choose_linear,
    fit_linear,
    held_out_loss,
)
from bdgf.models.patch.network import last
from bdgf.models.patch.sampling import ClassWeights, Pixels, class_weights, thin_classes
from bdgf.raster.patches import SceneTensors, gather_batch
from bdgf.splits.block_folds import block_folds

log = logging.getLogger(__name__)

_COMPONENT_CELLS = 20_000
"""Cells of a level that components are fitted on: many times its channels."""


@dataclass(frozen=True)
class LinearChoice:
    """What cross-validation decided about one linear map.

    Attributes:
        statistics: Names of its statistics, beside the pixel's channels.
        c: C, the inverse L2 penalty.
        loss: Its cross-entropy on held-out training pixels; None where none could be held out.
        share: Its weight among the linear maps.
    """

    statistics: tuple[str, ...]
    c: float
    loss: float | None
    share: float


@dataclass(frozen=True)
class ClassicalChoice:
    """What cross-validation decided.

    Attributes:
        linear: Of each linear map that counts.
        linear_loss: The cross-entropy of all of them together on held-out training pixels; None
            where none could be held out.
        forest_loss: The forest's, likewise; None without a forest.
        forest_share: The forest's weight in the mixture.
    """

    linear: tuple[LinearChoice, ...]
    linear_loss: float | None
    forest_loss: float | None
    forest_share: float


@dataclass(frozen=True)
class _Table:
    # Labelled pixels: what describes them (n, F), their classes and weights (n,), and folds.
    described: np.ndarray
    targets: np.ndarray
    share: np.ndarray
    folds: Folds


def fit_classical_branch(
    branch: ClassicalBranch,
    arrays: SceneTensors,
    valid: tuple[Tensor, ...],
    pixels: Pixels,
    settings: ClassicalSettings,
    *,
    patch: int,
    weighting: ClassWeights,
    seed: int,
) -> ClassicalChoice:
    """Fits all of `branch`.

    Args:
        branch: The branch; its weights are set.
        arrays: The scene and its features.
        valid: `level_valid` of the scene's valid pixels.
        pixels: All pixels whose labels may be seen; each class has one.
        settings: The branch's settings.
        patch: Width of the patch in pixels.
        weighting: How the classes are weighted.
        seed: Decides folds and trees.

    Returns:
        What was chosen.
    """
    _fit_components(branch, arrays, valid)
    table = _table(branch, arrays, valid, pixels, settings, patch, weighting, seed)
    linear = _fit_linear(branch, table, settings)
    forest_loss = _fit_forest(branch, table, settings, seed)
    share = _weigh(branch, linear.loss, forest_loss, settings.inverse_temperature)
    sets = (branch.linear_sets[index] for index in linear.candidates)
    each = zip(sets, linear.c, linear.losses, linear.shares.tolist(), strict=True)
    chosen = ClassicalChoice(
        tuple(LinearChoice(*one) for one in each), linear.loss, forest_loss, share
    )
    _tell(chosen)
    return chosen


def _fit_components(
    branch: ClassicalBranch, arrays: SceneTensors, valid: tuple[Tensor, ...]
) -> None:
    if branch.components is None:
        return
    for level in range(len(branch.components.widths)):
        seen = torch.nonzero(valid[level][0].flatten())[:, 0]
        seen = seen[:: max(len(seen) // _COMPONENT_CELLS, 1)]
        cells = last(arrays.features[level][None]).reshape(-1, arrays.level_channels[level])
        branch.components.fit(level, cells[seen].to(branch.shares.device))


def _table(
    branch: ClassicalBranch,
    arrays: SceneTensors,
    valid: tuple[Tensor, ...],
    pixels: Pixels,
    settings: ClassicalSettings,
    patch: int,
    weighting: ClassWeights,
    seed: int,
) -> _Table:
    rng = np.random.default_rng([seed, 5])
    weights = class_weights(pixels.targets, int(pixels.targets.max()) + 1, weighting)
    counts, pixels = np.bincount(pixels.targets), thin_classes(pixels, settings.pixels, rng)
    share = np.ones(len(pixels)) if weights is None else weights[pixels.targets].astype(float)
    if len(pixels) < counts.sum():  # a pixel of a thinned class stands for those left out
        share *= (counts / np.bincount(pixels.targets))[pixels.targets]
        share *= len(pixels) / share.sum()
    at = (pixels.rows, pixels.cols)
    labelled = np.zeros(arrays.shape, np.int64)
    labelled[at] = 1 + pixels.targets
    folds = [
        (train[at], held[at])
        for _ in range(settings.repeats)
        for train, held in block_folds(labelled, settings.folds, settings.block, patch // 2, rng)
    ]
    described = _describe(branch, arrays, valid, pixels, patch)
    return _Table(described, pixels.targets, share, folds)


def _describe(
    branch: ClassicalBranch,
    arrays: SceneTensors,
    valid: tuple[Tensor, ...],
    pixels: Pixels,
    patch: int,
    chunk: int = 1024,
) -> np.ndarray:
    # (n, F) float32, what describes the pixels.
    levels = len(branch.components.widths) if branch.components is not None else 0
    rows, cols = (torch.from_numpy(index) for index in (pixels.rows, pixels.cols))
    here, own = arrays.channels.device, branch.shares.device  # may differ before the training
    described = []
    for part_rows, part_cols in zip(rows.split(chunk), cols.split(chunk), strict=True):
        at = part_rows.to(here), part_cols.to(here)
        batch = gather_batch(arrays, valid, *at, patch, levels=levels, centres=True)
        patches = branch.embed(last(batch.scene), last(batch.scene_inside)).to(own)
        centres = [
            branch.components(level, features.to(own))
            for level, features in enumerate(batch.centres)
            if branch.components is not None
        ]
        described.append(branch.describe_pixels(patches, centres).cpu())
    return torch.cat(described).numpy()


def _fit_linear(branch: ClassicalBranch, table: _Table, settings: ClassicalSettings) -> LinearFit:
    columns = [branch.describe.columns(names) for names in branch.linear_sets]
    found = choose_linear(
        table.described,
        table.targets,
        table.share,
        columns,
        settings.linear.c,
        table.folds,
        settings.inverse_temperature if settings.linear.weighed else None,
    )
    weights, biases = torch.zeros_like(branch.linear.weight), torch.zeros_like(branch.linear.bias)
    penalties = zip(found.candidates, found.c, strict=True)
    for index, (candidate, penalty) in enumerate(penalties):
        of_map = columns[candidate]
        weight, bias = fit_linear(table.described[:, of_map], table.targets, table.share, penalty)
        weights[index][:, of_map] = torch.from_numpy(weight).to(weights)
        biases[index] = torch.from_numpy(bias).to(biases)
    branch.linear.set_weights(weights, biases, torch.from_numpy(found.shares))
    return found


def _fit_forest(
    branch: ClassicalBranch, table: _Table, settings: ClassicalSettings, seed: int
) -> float | None:
    # Grows the forest; its cross-entropy on held-out pixels, where there are some.
    if branch.forest is None:
        return None
    columns = [branch.describe.columns(names) for names in branch.forest_sets]

    def grow(train: np.ndarray) -> list:
        return grow_forest(
            table.described[train],
            table.targets[train],
            table.share[train],
            columns,
            settings.forest,
            seed,
            torch.get_num_threads(),
        )

    everything = grow(np.ones(len(table.targets), bool))
    branch.forest.set_trees(**as_arrays(everything, branch.linear.bias.shape[1]))
    if not table.folds:
        return None
    said = [forest_probabilities(grow(train), table.described[held]) for train, held in table.folds]
    return held_out_loss(said, table.targets, table.share, table.folds)


def _weigh(
    branch: ClassicalBranch, linear: float | None, forest: float | None, inverse_temperature: float
) -> float:
    # Sets the shares; returns the forest's.
    if branch.forest is None:
        return 0.0
    ahead = (
        inverse_temperature * (linear - forest)
        if linear is not None and forest is not None
        else 0.0
    )
    share = float(1 / (1 + np.exp(-ahead)))
    branch.shares.copy_(torch.tensor([1 - share, share]))
    return share


def _tell(chosen: ClassicalChoice) -> None:
    def loss(value: float | None) -> str:
        return "not held out" if value is None else f"cross-entropy {value:.3f}"

    for one in chosen.linear:
        log.info(
            "classical branch: linear map of %s, C %g (%s), %.0f %%",
            ", ".join(("the pixel", *one.statistics)),
            one.c,
            loss(one.loss),
            100 * (1 - chosen.forest_share) * one.share,
        )
    if chosen.forest_share:
        log.info(
            "classical branch: forest (%s), %.0f %%",
            loss(chosen.forest_loss),
            100 * chosen.forest_share,
        )
