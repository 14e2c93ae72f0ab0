"""Fit of the classical branch: components without labels, then what the labelled pixels say.

Its experts are a linear map and trees on several sets of statistics, with diffusion features and
without. Penalties and shares are decided on held-out blocks of the training pixels
(`bdgf.models.patch.held_out`, `bdgf.models.patch.stacking`): each scene gets its own by one rule
for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from bdgf.models.bdgf.classical.branch import ClassicalBranch, ClassicalSettings
from bdgf.models.bdgf.classical.forest_fit import GrownTrees, as_arrays, grow_forest
from bdgf.models.bdgf.classical.logistic_fit import (
    HeldOutFit,
    among_all,
    choose_penalty,
    fit_linear,
    held_out_fit,
)
from bdgf.models.bdgf.classical.patch_statistics import AVERAGES, FEATURES
from bdgf.models.patch.decision import Expert
from bdgf.models.patch.held_out import HeldOutBlocks
from bdgf.models.patch.network import FittedBranch, last
from bdgf.models.patch.sampling import Pixels
from bdgf.models.patch.stacking import of_right_class, stack
from bdgf.raster.patches import SceneTensors, gather_batch

NAME = "classical"
"""Name of the branch."""

_COMPONENT_CELLS = 20_000
"""Cells of a level that components are fitted on: many times its channels."""
_LEAST_SHARE = 0.02
"""Experts of a lower share are left out: they cost time in every map."""
_NAMED_STATISTICS = 3
"""Most statistics that an expert's name lists."""


@dataclass(frozen=True)
class ExpertChoice:
    """What held-out blocks decided about one expert.

    Attributes:
        kind: `linear map` or `trees`.
        statistics: Names of its statistics, beside the pixel's channels.
        c: C of a linear map, the inverse L2 penalty.
        loss: Its cross-entropy on held-out training pixels; None where none could be held out.
        share: Its weight in the branch.
    """

    kind: str
    statistics: tuple[str, ...]
    c: float | None
    loss: float | None
    share: float

    @property
    def name(self) -> str:
        """Its name in what is told of it."""
        added = [name for name in self.statistics if name in (AVERAGES, FEATURES)]
        shown = [name for name in self.statistics if name not in added]
        if len(shown) > _NAMED_STATISTICS:
            shown = ["windows"]
        shown += added
        return f"{self.kind} ({' '.join(shown) or 'pixel'})"


@dataclass(frozen=True)
class _Table:
    # Labelled pixels: what describes them (n, F), and their blocks, with classes and weights.
    described: np.ndarray
    blocks: HeldOutBlocks
    classes: int

    @property
    def targets(self) -> np.ndarray:
        return self.blocks.pixels.targets

    @property
    def share(self) -> np.ndarray:
        return self.blocks.share


def fit_classical_branch(
    branch: ClassicalBranch,
    arrays: SceneTensors,
    valid: tuple[Tensor, ...],
    blocks: HeldOutBlocks,
    settings: ClassicalSettings,
    *,
    patch: int,
    seed: int,
) -> FittedBranch:
    """Fits all of `branch`.

    Args:
        branch: The branch; its weights are set.
        arrays: The scene and its features.
        valid: `level_valid` of the scene's valid pixels.
        blocks: The pixels whose labels may be seen, and how they are held out.
        settings: The branch's settings.
        patch: Width of the patch in pixels.
        seed: Decides the trees.

    Returns:
        What was chosen, and what the branch says of held-out pixels.
    """
    _fit_components(branch, arrays, valid)
    described = _describe(branch, arrays, valid, blocks.pixels, patch)
    table = _Table(described, blocks, branch.linear.bias.shape[1])
    linear = [
        choose_penalty(
            *(described[:, branch.describe.columns(names)], table.targets, table.share),
            *(table.classes, settings.linear.c, blocks.folds),
        )
        for names in branch.linear_sets
    ]
    trees = _held_out_trees(branch, table, settings, seed)
    fits = [*(one.held_out for one in linear), *trees]
    shares, said = _shares(fits, len(linear), table)
    of_linear, of_trees = shares[: len(linear)], shares[len(linear) :]
    _set_linear(branch, table, [one.c for one in linear], of_linear)
    _set_trees(branch, table, settings, of_trees, seed)
    branch.shares.copy_(
        torch.tensor([float(of_linear.sum()), float(of_trees.sum())][: len(branch.shares)])
    )
    chosen = [
        *(("linear map", s, one.c) for s, one in zip(branch.linear_sets, linear, strict=True)),
        *(("trees", names, None) for names in branch.forest_sets),
    ]
    experts = [
        ExpertChoice(*one, fit.loss, float(share))
        for one, fit, share in zip(chosen, fits, shares, strict=True)
    ]
    return FittedBranch(
        NAME,
        {"experts": [asdict(one) for one in experts]},
        tuple(Expert(e.name, e.share, e.loss, FEATURES in e.statistics) for e in experts),
        said,
    )


def _fit_components(
    branch: ClassicalBranch, arrays: SceneTensors, valid: tuple[Tensor, ...]
) -> None:
    if branch.components is None:
        return
    for level in range(len(branch.components.widths)):
        whole = valid[level] if arrays.complete is None else valid[level] & arrays.complete[level]
        seen = torch.nonzero(whole[0].flatten())[:, 0]
        if not len(seen):  # no cell has all modalities: there are no components
            continue
        seen = seen[:: max(len(seen) // _COMPONENT_CELLS, 1)]
        cells = last(arrays.features[level][None]).reshape(-1, arrays.level_channels[level])
        branch.components.fit(level, cells[seen].to(branch.shares.device))


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
            branch.components(level, features.to(own)) * batch.centre_inside(level).to(own)
            for level, features in enumerate(batch.centres)
            if branch.components is not None
        ]
        described.append(branch.describe_pixels(patches, centres).cpu())
    return torch.cat(described).numpy()


def _grow(
    branch: ClassicalBranch,
    table: _Table,
    settings: ClassicalSettings,
    seed: int,
    train: np.ndarray,
) -> list[GrownTrees]:
    return grow_forest(
        *(table.described[train], table.targets[train], table.share[train]),
        [branch.describe.columns(names) for names in branch.forest_sets],
        *(settings.forest, seed, torch.get_num_threads()),
    )


def _held_out_trees(
    branch: ClassicalBranch, table: _Table, settings: ClassicalSettings, seed: int
) -> list[HeldOutFit]:
    # Of each set of statistics, what trees on it say of held-out pixels.
    said: list[list[np.ndarray]] = [[] for _ in branch.forest_sets]
    for train, held in table.blocks.folds:
        for of_set, grown in zip(said, _grow(branch, table, settings, seed, train), strict=True):
            # In several threads scikit-learn adds the trees in the order in which they end.
            grown.estimator.n_jobs = 1
            found = grown.estimator.predict_proba(table.described[held][:, grown.columns])
            of_set.append(among_all(found, grown.estimator.classes_, table.classes))
    return [held_out_fit(one, table.targets, table.share, table.blocks.folds) for one in said]


def _shares(
    fits: Sequence[HeldOutFit], linear: int, table: _Table
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    # The experts' shares, and what all of them say together of each fold's held-out pixels.
    # Beforehand linear maps count as much as trees, however many there are of either.
    kinds = [count for count in (linear, len(fits) - linear) if count]
    prior = np.concatenate([np.full(count, 1 / count / len(kinds)) for count in kinds])
    folds = table.blocks.folds
    if not folds:
        return prior, ()
    held = np.concatenate([np.flatnonzero(of_fold) for _, of_fold in folds])
    right = [of_right_class(np.concatenate(fit.said), table.targets[held]) for fit in fits]
    of_folds = zip(table.blocks.block, folds, strict=True)
    blocks = len(np.unique(np.concatenate([number[held] for number, (_, held) in of_folds])))
    shares = stack(np.stack(right, axis=1), table.share[held], blocks, prior, table.blocks.strength)
    kept = shares >= min(_LEAST_SHARE, shares.max())
    shares = np.where(kept, shares, 0) / shares[kept].sum()
    said = zip(*(fit.said for fit in fits), strict=True)
    return shares, tuple(np.tensordot(shares, np.stack(of_fold), 1) for of_fold in said)


def _set_linear(
    branch: ClassicalBranch, table: _Table, c: Sequence[float], shares: np.ndarray
) -> None:
    weights, biases = torch.zeros_like(branch.linear.weight), torch.zeros_like(branch.linear.bias)
    for index, (names, penalty) in enumerate(zip(branch.linear_sets, c, strict=True)):
        if not shares[index]:
            continue
        of_map = branch.describe.columns(names)
        weight, bias = fit_linear(table.described[:, of_map], table.targets, table.share, penalty)
        weights[index][:, of_map] = torch.from_numpy(weight).to(weights)
        biases[index] = torch.from_numpy(bias).to(biases)
    branch.linear.set_weights(weights, biases, torch.from_numpy(_within(shares)))


def _set_trees(
    branch: ClassicalBranch,
    table: _Table,
    settings: ClassicalSettings,
    shares: np.ndarray,
    seed: int,
) -> None:
    if branch.forest is None or not shares.any():
        return
    grown = _grow(branch, table, settings, seed, np.ones(len(table.targets), bool))
    kept = [(one, share) for one, share in zip(grown, _within(shares), strict=True) if share]
    trees, of_each = zip(*kept, strict=True)
    branch.forest.set_trees(**as_arrays(list(trees), table.classes, of_each))


def _within(shares: np.ndarray) -> np.ndarray:
    # Shares that sum to one, even ones where all are 0.
    total = shares.sum()
    found: np.ndarray = shares / total if total else np.full(len(shares), 1 / len(shares))
    return found
