"""What a rule of splitting is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from bdgf.splits.settings import SplitSettings

Masks = tuple[np.ndarray, np.ndarray]
"""Training and test pixels, (H, W) bool each."""

Rule = Callable[[xr.Dataset, np.ndarray, SplitSettings, np.random.Generator, int], Masks]
"""Takes scene, (H, W) labels of valid pixels, settings, source of draws, patch radius in pixels."""
