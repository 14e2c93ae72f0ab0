"""The variables of a scene that say where there are data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

VALID = "valid"


def mask_name(modality: str) -> str:
    """The variable that says where a modality has data, where it is not `valid` that does."""
    return f"{VALID}_{modality}"


def joint_masks(
    has_data: Mapping[str, np.ndarray], require: Literal["any", "all"]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(H, W) bool, which pixels are valid; and there, where each modality has data."""
    together = np.logical_and if require == "all" else np.logical_or
    valid: np.ndarray = together.reduce(list(has_data.values()))
    return valid, {name: mask & valid for name, mask in has_data.items()}


def mask_variables(masks: Mapping[str, np.ndarray], valid: np.ndarray) -> dict[str, Any]:
    """`valid` and the modalities' masks as variables of a scene.

    Args:
        masks: Name -> (H, W) bool, where the modality has data; nowhere outside `valid`.
        valid: (H, W) bool.

    Returns:
        Dims and uint8 values by name; a modality that has data wherever valid has no mask.
    """
    own = {mask_name(m): mask for m, mask in masks.items() if (mask != valid).any()}
    return {
        name: (("y", "x"), mask.astype(np.uint8)) for name, mask in {VALID: valid, **own}.items()
    }
