"""One temperature that makes probabilities as sure as they are right (Guo et al., ICML 2017)."""

from __future__ import annotations

import numpy as np

from bdgf.models.patch.stacking import cross_entropy, of_right_class

_LIMIT = np.log(5.0)
"""Of the logarithm of the temperature, either way."""
_DEVIATION = 0.5
"""Standard deviation that the logarithm of the temperature is expected to have."""
_TINY = np.finfo(np.float32).tiny


def sharpened(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """(n, K) probabilities in proportion to p^(1 / temperature)."""
    logs = np.log(np.maximum(probabilities, _TINY)) / temperature
    powers = np.exp(logs - logs.max(1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(1, keepdims=True)
    return shares


def fit_temperature(
    probabilities: np.ndarray, targets: np.ndarray, share: np.ndarray, blocks: int
) -> float:
    """The temperature with the lowest cross-entropy on held-out pixels.

    Its logarithm has a normal prior around 0, which counts for less the more blocks there are.

    Args:
        probabilities: (n, K).
        targets: (n,) classes.
        share: (n,) weights of the pixels.
        blocks: Number of blocks that the pixels lie in.

    Returns:
        The temperature; 1 where there are no pixels.
    """
    from scipy.optimize import minimize_scalar

    if not len(targets) or not blocks:
        return 1.0

    def loss(logarithm: float) -> float:
        said = sharpened(probabilities, float(np.exp(logarithm)))
        penalty = 0.5 * (logarithm / _DEVIATION) ** 2 / blocks
        return cross_entropy(of_right_class(said, targets), share) + penalty

    found = minimize_scalar(loss, bounds=(-_LIMIT, _LIMIT), method="bounded")
    return float(np.exp(found.x))
