"""What every baseline is: fitted on a prepared scene and a split, it draws a map like BDGF does.

The same probabilities (K, H, W) go into the same evaluation, whatever drew them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xarray as xr

from bdgf.settings_model import Settings


class FittedBaseline(Protocol):
    """A trained baseline."""

    def predict_map(self, prepared: xr.Dataset) -> np.ndarray:
        """(K, H, W) float32 class probabilities; all 0 on invalid pixels."""
        ...

    def save(self, path: Path) -> None:
        """Writes it to one file, whole or not at all."""
        ...


@dataclass(frozen=True)
class Baseline:
    """An entry of the registry.

    Attributes:
        settings: The settings model, from which configuration is validated.
        fit: (prepared scene, split, settings, seed) -> fitted baseline.
        load: The file that `save` wrote -> fitted baseline.
        patch: (settings) -> side in pixels of the window that one pixel's features come from; what
            leakage and the buffer of a split are reckoned with.
    """

    settings: type[Settings]
    fit: Callable[[xr.Dataset, xr.DataArray, Any, int], FittedBaseline]
    load: Callable[[Path], FittedBaseline]
    patch: Callable[[Any], int]
