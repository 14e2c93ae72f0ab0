"""Random outputs of some branches."""

import numpy as np


def outputs(branches: int = 3, batch: int = 6, classes: int = 4, seed: int = 0):
    rng = np.random.default_rng(seed)
    logits = {f"b{i}": rng.normal(size=(batch, classes)) * 2 for i in range(branches)}
    embeddings = {f"b{i}": rng.normal(size=(batch, 5)) for i in range(branches)}
    return logits, embeddings


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)
