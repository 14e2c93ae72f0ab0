"""Extremely randomised trees on what describes a pixel: experts of the classical branch.

Trees look at one number at a time and never answer beyond what they saw: where spectra alone do not
tell the classes apart, many of them together go further with few labels than a linear map. They are
grown by scikit-learn (`forest_fit`) and walked here, on the network's device.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from bdgf.core.settings import Settings
from bdgf.models.bdgf.classical.forest_kernel import walk_trees
from bdgf.models.bdgf.classical.patch_statistics import AVERAGES, FEATURES, StatisticSet

_WINDOWS = ("mean:1", "mean:2", "mean:4", "deviation:1", "deviation:2", "deviation:4")
_LEAST_PROBABILITY = 1e-6
_TENSORS = ("column", "threshold", "below", "probabilities", "roots", "depth")


class ForestSettings(Settings):
    """The forest. Chosen here; the paper has none."""

    use: bool = Field(True, description="Whether there is one")
    sets: tuple[StatisticSet, ...] = Field(
        ((), _WINDOWS, (*_WINDOWS, FEATURES), (AVERAGES,), (*_WINDOWS, AVERAGES)),
        min_length=1,
        description="Trees are grown on each of these sets of statistics, beside the pixel's own "
        "channels",
    )
    trees: int = Field(100, ge=1, description="Trees on each set")
    min_leaf: int = Field(2, ge=1, description="Least training pixels in a leaf")


class TreeEnsemble(nn.Module):
    """The mean of what many trees' leaves hold; its tensors are buffers.

    All trees' nodes lie one after the other. A leaf is its own child on either side.
    """

    column: Tensor
    threshold: Tensor
    below: Tensor
    probabilities: Tensor
    roots: Tensor
    depth: Tensor

    def __init__(self, classes: int) -> None:
        """Builds a forest of one leaf, which finds all `classes` equally likely."""
        super().__init__()
        self.register_buffer("column", torch.zeros(1, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(1))
        self.register_buffer("below", torch.zeros(1, 2, dtype=torch.int32))
        self.register_buffer("probabilities", torch.full((1, classes), 1 / classes))
        self.register_buffer("roots", torch.zeros(1, dtype=torch.int32))
        self.register_buffer("depth", torch.zeros((), dtype=torch.int32))

    @property
    def size(self) -> int:
        """Nodes of all trees."""
        return len(self.column)

    def set_trees(
        self,
        columns: np.ndarray,
        thresholds: np.ndarray,
        below: np.ndarray,
        probabilities: np.ndarray,
        roots: np.ndarray,
        depth: int,
    ) -> None:
        """Takes the trees.

        Args:
            columns: (N,) which of a pixel's numbers each node looks at; any where it is a leaf.
            thresholds: (N,) float64; what is not above goes left.
            below: (N, 2) left and right node, a leaf's own number twice.
            probabilities: (N, K) of the classes, where the node is a leaf; their mean over the
                trees is what sums to one.
            roots: (T,) each tree's first node.
            depth: Most steps from a root to a leaf.
        """
        # The greatest float32 that is not above: numbers in float32 go the same way.
        rounded = thresholds.astype(np.float32)
        above = rounded.astype(np.float64) > thresholds
        rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
        taken = {
            "column": columns.astype(np.int32),
            "threshold": rounded,
            "below": below.astype(np.int32),
            "probabilities": probabilities.astype(np.float32),
            "roots": roots.astype(np.int32),
            "depth": np.asarray(depth, np.int32),
        }
        device = self.column.device
        for name, values in taken.items():
            self.register_buffer(name, torch.from_numpy(values).to(device))

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        # A forest is as large as what is loaded.
        for name in _TENSORS:
            if (stored := state.get(prefix + name)) is not None:
                self.register_buffer(name, torch.empty_like(stored, device=self.column.device))
        super()._load_from_state_dict(state, prefix, *rest)

    def forward(self, described: Tensor) -> Tensor:
        """Log-probabilities (B, K) of (B, F) float32."""
        found = (
            self.walk(described) if described.device.type != "cpu" else self._compiled(described)
        )
        return found.clamp(min=_LEAST_PROBABILITY).log()

    def walk(self, described: Tensor) -> Tensor:
        """Mean probabilities (B, K) in torch's own operations: all trees a step at a time."""
        batch, trees = len(described), len(self.roots)
        below = self.below.flatten()
        node = self.roots.expand(batch, trees).flatten()
        for _ in range(int(self.depth)):
            columns = self.column.index_select(0, node).view(batch, trees)
            numbers = described.gather(1, columns.long()).flatten()
            right = numbers > self.threshold.index_select(0, node)
            node = below.index_select(0, 2 * node + right)
        return self.probabilities.index_select(0, node).view(batch, trees, -1).mean(1)

    def _compiled(self, described: Tensor) -> Tensor:
        nodes = self.column, self.threshold, self.below, self.probabilities
        return walk_trees(described, *nodes, self.roots)
