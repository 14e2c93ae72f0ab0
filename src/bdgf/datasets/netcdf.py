"""Scenes, prepared scenes and predictions as NetCDF-4."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.errors import SceneError


class NetCDFDataset(LocalVersionedDataset[xr.Dataset]):
    """An `xarray.Dataset` in a NetCDF-4 file, read and written with h5netcdf.

    Example:
        ```yaml
        scene:
          type: bdgf.datasets.netcdf.NetCDFDataset
          filepath: data/02_intermediate/demo/scene.nc
          versioned: true
        ```
    """

    def _read(self, path: Path) -> xr.Dataset:
        try:
            # Read whole: everything downstream works on resident arrays.
            with xr.open_dataset(path, engine="h5netcdf", decode_coords="all") as dataset:
                loaded = dataset.load()
        except (OSError, ValueError, KeyError) as error:
            raise SceneError(
                f"cannot read {path}: {error}; delete this version and make it again"
            ) from error
        # A coordinate, so that each of the dataset's arrays knows where it lies.
        return loaded.set_coords("spatial_ref") if "spatial_ref" in loaded else loaded

    def _write(self, content: xr.Dataset, path: Path) -> None:
        # Chunked and lightly compressed: masks and borders shrink much, noise costs little time.
        encoding = {
            str(name): {"zlib": True, "complevel": 1}
            for name, variable in content.data_vars.items()
            if variable.ndim >= 2
        }
        content.to_netcdf(path, engine="h5netcdf", encoding=encoding)
