"""Fingerprints: a short digest of everything that made a costly artifact."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch


def fingerprint(*parts: Any) -> str:
    """Digest of arrays, tensors, settings and plain values; equal parts give equal digests.

    Args:
        *parts: NumPy arrays, torch tensors, pydantic models, or anything that JSON can hold
            (dictionaries may nest all of these).

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for part in parts:
        _update(digest, part)
    return digest.hexdigest()[:16]


def _update(digest: Any, part: Any) -> None:
    if hasattr(part, "detach"):  # a torch tensor, without importing torch
        part = part.detach().cpu().contiguous()
        part = part.view(dtype=_same_size_integer(part)) if part.is_floating_point() else part
        part = part.numpy()
    if isinstance(part, np.ndarray):
        digest.update(f"array {part.dtype.str} {part.shape}".encode())
        digest.update(np.ascontiguousarray(part).view(np.uint8).data)
    elif isinstance(part, dict):
        for key in sorted(part):
            digest.update(f"key {key}".encode())
            _update(digest, part[key])
    elif hasattr(part, "model_dump_json"):
        digest.update(part.model_dump_json().encode())
    else:
        digest.update(json.dumps(part, sort_keys=True).encode())


def _same_size_integer(tensor: torch.Tensor) -> torch.dtype:
    # NumPy has no bfloat16, so floating-point tensors are hashed by their bits.
    import torch

    return {2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
