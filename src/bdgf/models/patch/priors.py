"""Shares of the classes that probabilities rest on, and how they move to other shares.

A training that saw as many pixels of each class expects as many of each in the scene. Saerens et
al. (Neural Computation 2002): what is expected can be exchanged in the probabilities, and the
scene's own shares be estimated from what is said of its unlabelled pixels.
"""

from __future__ import annotations

import numpy as np

_MOST_ROUNDS = 1000
_CHANGE = 1e-6  # of a class's share in a round, under which the estimate stands
_PSEUDO_PIXELS = 1.0  # that each class is seen beforehand: none vanishes for good


def training_shares(targets: np.ndarray, weights: np.ndarray | None, classes: int) -> np.ndarray:
    """(K,) shares of the classes in a training's loss.

    Args:
        targets: (n,) classes of the training pixels.
        weights: (K,) of the classes in the loss; None where they are even.
        classes: K.
    """
    counts = np.bincount(targets, minlength=classes).astype(float)
    counts = counts if weights is None else counts * weights
    shares: np.ndarray = counts / counts.sum()
    return shares


def moved(probabilities: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """(n, K) probabilities under other shares of the classes; ratio (K,) is new over old."""
    scaled = probabilities * ratio
    shares: np.ndarray = scaled / scaled.sum(1, keepdims=True)
    return shares


def estimated_shares(probabilities: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Shares of the classes in a scene, by expectation maximisation.

    Args:
        probabilities: (n, K) of unlabelled pixels, under the shares `present`.
        present: (K,) shares that the probabilities rest on, each more than 0.

    Returns:
        (K,) shares, each more than 0.
    """
    shares = present
    for _ in range(_MOST_ROUNDS):
        seen = moved(probabilities, shares / present).sum(0) + _PSEUDO_PIXELS
        found = seen / seen.sum()
        changed = np.abs(found - shares).max()
        shares = found
        if changed < _CHANGE:
            break
    return shares
