"""Scenes, prepared scenes and predictions as NetCDF-4."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from kedro.io import Version

from bdgf.core.digests import check_digests
from bdgf.core.errors import artifact_errors
from bdgf.core.guarded_file import guarded
from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.raster.streamed import StreamedDataset

_LEVEL = 1
"""Of zlib: the lowest takes most of what can be had, in a fraction of the time."""
_SAMPLES, _SAMPLE_ROWS = 4, 4
"""Where and how many rows of an array are compressed to see how large it will be."""
_CHUNK = 64
"""Rows and columns of a chunk: windows of any place are read for little more than they hold."""
_CACHE = {"rdcc_nbytes": 64 * 2**20, "rdcc_nslots": 12_289, "rdcc_w0": 1.0}
"""Of each variable so much stays unpacked: rows that end within chunks are packed once."""


class NetCDFDataset(LocalVersionedDataset[xr.Dataset | StreamedDataset]):
    """An `xarray.Dataset` in a NetCDF-4 file, read and written with h5netcdf.

    A `StreamedDataset` is written part by part.

    Example:
        ```yaml
        scene:
          type: bdgf.datasets.netcdf.NetCDFDataset
          filepath: data/02_intermediate/demo/scene.nc
          versioned: true
        ```
    """

    def __init__(
        self,
        *,
        filepath: str,
        lazy: bool = False,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Names the file.

        Args:
            filepath: Where the file is; with a version, the folder that holds the versions.
            lazy: Whether a variable's values are read each time they are asked for and never kept,
                so that who makes arrays of them holds those alone; else all is read at once.
            version: The version to load and to save, as Kedro gives it.
            metadata: For plugins and hooks; not read here.
        """
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self.lazy = lazy

    def load(self) -> xr.Dataset:
        """Reads the latest version, or the one asked for."""
        loaded = super().load()
        assert isinstance(loaded, xr.Dataset)
        return loaded

    def size(self, content: xr.Dataset | StreamedDataset) -> int:
        """Bytes of the file, from how far some rows of each variable can be compressed.

        Of what is not made yet, the bytes of its numbers.
        """
        if isinstance(content, StreamedDataset):
            return sum(form.nbytes for form in content.forms.values())
        return sum(_compressed(variable) for variable in content.variables.values())

    def _read(self, path: Path) -> xr.Dataset:
        with artifact_errors(str(path), self.remedy):
            check_digests(self.companions(path), required=True)
            dataset = xr.open_dataset(
                path,
                engine="h5netcdf",
                decode_coords="all",
                cache=not self.lazy,
                driver_kwds=_CACHE,
            )
            if not self.lazy:
                with dataset:
                    dataset.load()
        # A coordinate, so that each of the dataset's arrays knows where it lies.
        return dataset.set_coords("spatial_ref") if "spatial_ref" in dataset else dataset

    def _write(self, content: xr.Dataset | StreamedDataset, path: Path) -> None:
        with guarded(path, "w+b") as file:
            if isinstance(content, StreamedDataset):
                _write_parts(content, file)
                return
            encoding = {
                str(name): {"zlib": True, "complevel": _LEVEL, **_chunked(variable)}
                for name, variable in content.data_vars.items()
                if variable.ndim >= 2
            }
            content.to_netcdf(file, engine="h5netcdf", encoding=encoding)


def _chunked(variable: xr.DataArray | xr.Variable) -> dict[str, Any]:
    # Chunked and lightly compressed: masks and borders shrink much, noise costs little time.
    # Each chunk has a checksum for those who read some of the values, and some time later.
    sizes = zip(variable.dims, variable.shape, strict=True)
    sides = (min(size, _CHUNK) if dim in ("y", "x") else size for dim, size in sizes)
    return {"fletcher32": True, "chunksizes": tuple(sides)}


def _write_parts(content: StreamedDataset, file: Any) -> None:
    """Writes streamed variables first, then the rest, like `to_netcdf`."""
    import h5netcdf

    with h5netcdf.File(file, "w", **_CACHE) as target:
        for name, form in content.forms.items():
            _create(target, name, form.variable)
        for name, index, values in content.parts():
            target[name][index] = values
        variables, attributes = xr.conventions.encode_dataset_coordinates(content.whole())
        for key, variable in variables.items():
            name = str(key)
            if name in content.forms:  # its values are there
                first = variable[tuple(slice(1) for _ in variable.dims)]
                told = xr.conventions.encode_cf_variable(first, name=name)
                told.attrs.pop("_FillValue", None)
            else:
                told = xr.conventions.encode_cf_variable(variable, name=name)
                _create(target, name, told)
                target[name][...] = told.to_numpy()
            for attribute, value in told.attrs.items():
                target[name].attrs[str(attribute)] = value
        for attribute, value in attributes.items():
            target.attrs[str(attribute)] = value


def _create(target: Any, name: str, variable: xr.Variable) -> None:
    for dim, size in zip(variable.dims, variable.shape, strict=True):
        if dim not in target.dimensions:
            target.dimensions[str(dim)] = size
    options: dict[str, Any] = {}
    if variable.ndim >= 2:
        told = _chunked(variable)
        options = {"compression": "gzip", "compression_opts": _LEVEL, "fletcher32": True}
        options["chunks"] = told["chunksizes"]
    fill = variable.attrs.pop("_FillValue", None)
    target.create_variable(name, variable.dims, variable.dtype, fillvalue=fill, **options)


def _compressed(variable: xr.Variable) -> int:
    # Rows from several places speak for all: borders shrink to nothing, noise does not.
    if variable.ndim < 2 or variable.dtype == object or not variable.size:
        return variable.nbytes
    rows = variable.shape[-2]
    starts = np.linspace(0, max(rows - _SAMPLE_ROWS, 0), _SAMPLES).astype(int)
    taken = [slice(first, first + _SAMPLE_ROWS) for first in sorted(set(starts.tolist()))]
    samples = [np.ascontiguousarray(variable[..., part, :].to_numpy()) for part in taken]
    shrunk = sum(len(zlib.compress(sample.tobytes(), _LEVEL)) for sample in samples)
    return int(variable.nbytes * shrunk / sum(sample.nbytes for sample in samples))
