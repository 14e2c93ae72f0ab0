"""Weights of members by what they say of held-out blocks: stacking.

Members' probabilities are mixed with weights that sum to one. The weights minimise the mixture's
cross-entropy on held-out pixels, plus a penalty towards a prior:

    sum_i v_i (-log sum_m w_m p_im)  -  (strength / blocks) sum_m prior_m log w_m

The pixels of a block are much alike: v sums to one, so that all pixels together count as much as
there are blocks. The penalty is the log-density of a Dirichlet distribution: the prior counts like
`strength` more blocks. Few blocks leave the weights near it; many let the best member win. The
problem is convex; expectation maximisation finds its one minimum.
"""

from __future__ import annotations

import numpy as np

LEAST_PROBABILITY = 1e-3
"""That a held-out pixel's loss reckons with: one mistake decides nothing."""

_MOST_ROUNDS = 20_000
_CHANGE = 1e-9  # of a weight in a round, under which the minimum is found


def stack(
    right: np.ndarray, share: np.ndarray, blocks: int, prior: np.ndarray, strength: float
) -> np.ndarray:
    """The weights of the members.

    Args:
        right: (n, M) each member's probability of the right class.
        share: (n,) weights of the pixels, of any sum.
        blocks: Number of blocks that the pixels lie in.
        prior: (M,) weights without evidence; they sum to one.
        strength: How many blocks the prior is worth, more than 0.

    Returns:
        (M,) weights, at least 0, that sum to one; the prior where there are no pixels.
    """
    weights = np.asarray(prior, float)
    if not len(right) or not blocks:
        return weights
    part = share / share.sum()
    floored = np.maximum(right, LEAST_PROBABILITY)
    for _ in range(_MOST_ROUNDS):
        mixed = floored * weights
        mixed /= mixed.sum(1, keepdims=True)
        found = (blocks * (part @ mixed) + strength * prior) / (blocks + strength)
        moved = np.abs(found - weights).max()
        weights = found
        if moved < _CHANGE:
            break
    return weights


def cross_entropy(right: np.ndarray, share: np.ndarray) -> float:
    """Weighted mean of -log of (n,) probabilities of the right class."""
    floored = np.maximum(right, LEAST_PROBABILITY)
    return float(-(share @ np.log(floored)) / share.sum())


def standard_error(losses: np.ndarray, share: np.ndarray, block: np.ndarray) -> float:
    """Standard error of a weighted mean of losses, over blocks whose pixels are alike.

    That of a mean of clusters: sqrt(B / (B - 1) sum_b (sum_{i in b} v_i (d_i - d))^2), with v
    summing to one and d the mean.

    Args:
        losses: (n,) d_i.
        share: (n,) weights, of any sum.
        block: (n,) the number of the block that each lies in.

    Returns:
        The error; 0 for a single block, which cannot tell.
    """
    part = share / share.sum()
    _, number = np.unique(block, return_inverse=True)
    of_blocks = np.bincount(number, part * (losses - part @ losses))
    blocks = len(of_blocks)
    return float(np.sqrt(blocks / (blocks - 1) * (of_blocks**2).sum())) if blocks > 1 else 0.0


def of_right_class(said: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(n,) of (n, K) probabilities, those of the classes (n,)."""
    found: np.ndarray = said[np.arange(len(targets)), targets]
    return found
