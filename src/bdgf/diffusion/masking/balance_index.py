"""One number for how evenly a quantity is spread over the modalities."""

from __future__ import annotations

from torch import Tensor


def balance_index(explained: Tensor) -> float:
    """min(e_m) / max(e_m), in [0, 1]; 0 while some modality is not explained at all.

    Args:
        explained: Explained noise e_m of each modality, (M,).
    """
    explained = explained.clamp(min=0)
    highest = float(explained.max())
    return float(explained.min()) / highest if highest > 0 else 0.0
