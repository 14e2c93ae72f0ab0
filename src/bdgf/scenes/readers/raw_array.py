"""The result of a reader: one array as stored, with all metadata of its file.

A reader changes no value. What the file declares (masks, nodata, scale, bad bands, order of axes)
is applied in one place, `bdgf.scenes.ingest.decoding`, where the scene's file can overrule it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bdgf.core.errors import SceneError

if TYPE_CHECKING:
    import numpy as np
    from affine import Affine
    from rasterio.crs import CRS

Y, X, BAND = "y", "x", "band"


class VariableError(SceneError):
    """A file is sound, but does not hold the variable that was asked for."""


class WindowsError(SceneError):
    """A part was asked for of a file whose format is read whole."""


@dataclass(frozen=True)
class RawArray:
    """One array as it lies in a file.

    "One a band" below is a tuple with an entry for each band, or with one entry for all of them.

    Attributes:
        values: Any real dtype, numbers as stored, axes as stored.
        axes: One name an axis: `y`, `x`, and `band` or the file's own name for any other; None
            where the file does not name its axes.
        maybe_reversed: Whether the writer may have stored unnamed axes in reversed order, as
            MATLAB does in plain HDF5 files.
        masked: Bool, True where a mask of the file hides the value; of the shape of `values`, or
            (y, x) where it hides all bands.
        nodata: One a band: the stored numbers that mean "no data".
        valid_range: Least and greatest stored number that is data.
        scale: One a band: what a stored number is multiplied by.
        offset: One a band: what is added after that.
        units: Units of the scaled values, "" where the file is silent.
        band_names: One a band, or none.
        wavelengths: One a band, as the file gives them, or none.
        bad_bands: Bands that the file marks as bad, counted from 0.
        alpha: The band that is flagged as alpha, counted from 0.
        crs: Coordinate reference system, where the file has one.
        crs_is_assumed: Whether the file says degrees, but not of which system.
        transform: Affine map from (column, row) to coordinates, where the file has one.
        regions: Names of the regions 1, 2, ... that a label map numbers.
        value_names: Value -> name of a class, of a label map that names them.
        palette: Value -> (red, green, blue) of a label map with a colour table.
        notes: What the reader had to decide, for the log's line about the file.
        doubts: What a user should look at, one warning each.
        whole: Rows and columns of the file, where `values` are a part of it; `transform` is that
            of the whole.
    """

    values: np.ndarray
    axes: tuple[str, ...] | None = None
    maybe_reversed: bool = False
    masked: np.ndarray | None = None
    nodata: tuple[tuple[float, ...], ...] = ((),)
    valid_range: tuple[float, float] | None = None
    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    units: str = ""
    band_names: tuple[str, ...] = ()
    wavelengths: tuple[float, ...] = ()
    bad_bands: frozenset[int] = frozenset()
    alpha: int | None = None
    crs: CRS | None = None
    crs_is_assumed: bool = False
    transform: Affine | None = None
    regions: tuple[str, ...] | None = None
    value_names: Mapping[int, str] | None = None
    palette: Mapping[int, tuple[int, int, int]] | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    whole: tuple[int, int] | None = None
