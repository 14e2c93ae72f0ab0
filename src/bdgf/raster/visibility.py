"""Visibility of layers with gaps."""

from __future__ import annotations

import torch
from torch import Tensor


def shown_where_there(shown: Tensor, there: Tensor, dim: int) -> Tensor:
    """What is shown of what is there; a position that would be left with nothing keeps all it has.

    Hiding a modality is to leave something to work with, and where another one is missing, it may
    have been the last.

    Args:
        shown: Factors on the modalities, 0 hides one; broadcast against `there`.
        there: 1 where a modality has data, 0 where it has none, of the dtype of `shown`.
        dim: The dimension of the modalities.

    Returns:
        Factors of the shape that both have together, 0 where a modality is missing.
    """
    kept = shown * there
    return torch.where((kept > 0).any(dim, keepdim=True), kept, there)
