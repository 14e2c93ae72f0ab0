"""What a reader hands over: one array of a file, and what the file says about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bdgf.core.errors import SceneError

if TYPE_CHECKING:
    import numpy as np
    from affine import Affine
    from rasterio.crs import CRS


class VariableError(SceneError):
    """A file is sound, but does not hold the variable that was asked for."""


@dataclass(frozen=True)
class RawArray:
    """One array as it lies in a file.

    Attributes:
        values: Any real dtype. (y, x) or (y, x, bands) where `oriented`, else the file's axes.
        nodata: The value that means "no data", where the file declares one.
        crs: Coordinate reference system, where the file has one.
        transform: Affine map from (column, row) to coordinates, where the file has one.
        oriented: Whether the file names its axes, so that their order is certain.
    """

    values: np.ndarray
    nodata: float | None = None
    crs: CRS | None = None
    transform: Affine | None = None
    oriented: bool = False
