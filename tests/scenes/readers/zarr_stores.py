"""Zarr stores for tests, and the same data as NetCDF."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rioxarray  # noqa: F401 - registers the accessor `rio`
import xarray as xr

SIZES = {"time": 1, "band": 3, "y": 20, "x": 30}


def dataset(dims=("band", "y", "x"), dtype="i2", **attributes: Any) -> xr.Dataset:
    """An image with a place, band names and wavelengths."""
    values = np.random.default_rng(0).integers(-5, 9000, [SIZES[d] for d in dims]).astype(dtype)
    coordinates = {
        "y": ("y", 5e6 - 10 * np.arange(20.0), {"standard_name": "projection_y_coordinate"}),
        "x": ("x", 5e5 + 10 * np.arange(30.0), {"standard_name": "projection_x_coordinate"}),
        "band": ("band", ["B02", "B03", "B04"]),
        "wavelength": ("band", [490.0, 560.0, 665.0], {"units": "nm"}),
    }
    kept = {name: c for name, c in coordinates.items() if c[0] in dims}
    found: xr.Dataset = xr.Dataset({"cube": (dims, values, attributes)}, kept)
    return found.rio.write_crs("EPSG:32632")


def write_store(path: Path, data: xr.Dataset, version: int = 3, **encoding: Any) -> Path:
    """Writes a store without consolidated metadata."""
    options: dict[str, Any] = {"zarr_format": version, "consolidated": False}
    with warnings.catch_warnings():  # of texts in version 3, which have no final form yet
        warnings.simplefilter("ignore")
        data.to_zarr(path, mode="w", encoding={"cube": encoding}, **options)
    return path


def changed(path: Path, **values: Any) -> None:
    """Changes a file of metadata."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
