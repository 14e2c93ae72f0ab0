"""The walk through a forest on a CPU: a compiled loop, tree by tree, pixel by pixel.

Numba is imported at the first walk, for it costs a quarter of a second.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from bdgf.core.numba_kernels import numba_kernel, run_tasks, thread_count

_STEPS_A_TREE = 8  # about, to judge how much work there is


def walk_trees(
    described: Tensor,
    column: Tensor,
    threshold: Tensor,
    below: Tensor,
    probabilities: Tensor,
    roots: Tensor,
) -> Tensor:
    """Mean probabilities (B, K) float32 of all trees; the tensors of `TreeEnsemble`, on a CPU."""
    found = torch.zeros(len(described), probabilities.shape[1])
    tensors = (described.contiguous(), column, threshold, below, probabilities, roots, found)
    arrays = tuple(tensor.numpy() for tensor in tensors)
    kernel, operations = _kernel(), len(described) * len(roots) * _STEPS_A_TREE

    def walk(first: int, last: int, worker: int) -> None:
        kernel(*arrays, first, last)

    run_tasks(walk, len(described), thread_count(len(described), operations))
    return found


@cache
def _kernel() -> Any:
    return numba_kernel(_walk)


def _walk(
    described: Any,
    column: Any,
    threshold: Any,
    below: Any,
    probabilities: Any,
    roots: Any,
    found: Any,
    first: int,
    last: int,
) -> None:
    classes, trees = probabilities.shape[1], roots.shape[0]
    for root in roots:  # the nodes of one tree stay at hand for all pixels
        for pixel in range(first, last):
            node = root
            while below[node, 0] != node:
                right = described[pixel, column[node]] > threshold[node]
                node = below[node, 1] if right else below[node, 0]
            for k in range(classes):
                found[pixel, k] += probabilities[node, k]
    for pixel in range(first, last):
        for k in range(classes):
            found[pixel, k] /= trees
