"""NetCDF files, through xarray: version 4 with h5netcdf, version 3 with SciPy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.scenes.readers.raw_array import RawArray, VariableError
from bdgf.scenes.readers.variable_path import missing_variable, only_variable

if TYPE_CHECKING:
    import xarray as xr
    from affine import Affine
    from rasterio.crs import CRS

_ROWS = ("y", "lat", "latitude", "row", "rows", "line", "lines", "northing")
_COLUMNS = ("x", "lon", "longitude", "col", "cols", "column", "columns", "sample", "samples")


def read_netcdf(path: Path, variable: str | None) -> RawArray:
    """Reads one variable; dimensions with usual names (y, lat, row, ...) settle its axes.

    Fill values become NaN and packed values are unpacked, as xarray does it.

    Raises:
        VariableError: The variable is not there or is no map of numbers.
    """
    import h5py
    import xarray as xr

    # Without the memory map SciPy closes a damaged file without a warning.
    backend: dict[str, Any] = (
        {"engine": "h5netcdf"}
        if h5py.is_hdf5(path)
        else {"engine": "scipy", "backend_kwargs": {"mmap": False}}
    )
    with xr.open_dataset(path, decode_coords="all", decode_times=False, **backend) as dataset:
        maps = {str(name): array for name, array in dataset.data_vars.items() if array.ndim >= 2}
        variable = variable or only_variable(path, {n: a.shape for n, a in maps.items()})
        if variable not in dataset:
            raise missing_variable(path, variable, maps)
        array = dataset[variable].load()
    if array.dtype.kind not in "biufc" or not array.size:
        raise VariableError(f"{path}: '{variable}' is no array of numbers; choose another variable")
    rows = [dim for dim in array.dims if str(dim).lower() in _ROWS]
    columns = [dim for dim in array.dims if str(dim).lower() in _COLUMNS]
    if len(rows) != 1 or len(columns) != 1:
        return RawArray(array.to_numpy())
    array = array.transpose(*rows, *columns, ...)
    return RawArray(array.to_numpy(), None, *_georeference(array), oriented=True)


def _georeference(array: xr.DataArray) -> tuple[CRS | None, Affine | None]:
    import rioxarray  # noqa: F401 - registers the accessor `rio`

    rows, columns = array.dims[:2]
    spatial = array.rio.set_spatial_dims(x_dim=columns, y_dim=rows)
    transform = spatial.rio.transform(recalc=False)
    if transform.is_identity or not np.all(np.isfinite(transform)):
        return spatial.rio.crs, None
    return spatial.rio.crs, transform
