"""The parts of a split, and how many pixels each has."""

from __future__ import annotations

import xarray as xr

NONE, TRAIN, VALIDATION, TEST = 0, 1, 2, 3
PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}

PART_COLORS = {"train": "#0072b2", "validation": "#e69f00", "test": "#bfbfbf"}
"""Colours of the parts in maps, also for colour-blind readers."""


def split_totals(split: xr.DataArray) -> dict[str, int]:
    """Pixels by part: train, validation, test."""
    return {part: int((split.to_numpy() == code).sum()) for part, code in PARTS.items()}
