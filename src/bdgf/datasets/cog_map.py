"""Maps of any size as Cloud-Optimized GeoTIFFs, with names and colours for GIS programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from bdgf.core.digests import check_digests
from bdgf.core.errors import artifact_errors
from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.raster.cog import MapForm, auxiliary_path, style_path, write_cog


@dataclass(frozen=True)
class MapRows:
    """A map that is handed over some rows at a time.

    Attributes:
        form: What it is.
        rows: Gives slices of rows, from the first to the last, with their numbers (bands, rows, W).
    """

    form: MapForm
    rows: Callable[[], Iterator[tuple[slice, np.ndarray]]]


class CogMapDataset(LocalVersionedDataset[MapRows | xr.DataArray]):
    """A map as a Cloud-Optimized GeoTIFF.

    It is saved from `MapRows`, and loaded as a DataArray that reads what it is asked for.

    Example:
        ```yaml
        target_class_map:
          type: bdgf.datasets.cog_map.CogMapDataset
          filepath: data/07_model_output/coast_2024/class_map.tif
          versioned: true
        ```
    """

    def companions(self, path: Path) -> list[Path]:
        """The file and, for a class map, its companion files."""
        beside = (auxiliary_path(path), style_path(path))
        return [path, *(file for file in beside if file.exists())]

    def size(self, content: MapRows | xr.DataArray) -> int | None:
        """Bytes of the numbers, not compressed."""
        if isinstance(content, xr.DataArray):
            return int(content.nbytes)
        height, width = content.form.shape
        return height * width * len(content.form.bands) * np.dtype(content.form.dtype).itemsize

    def _read(self, path: Path) -> xr.DataArray:
        import rioxarray

        with artifact_errors(str(path), self.remedy):
            check_digests(self.companions(path))
            opened = rioxarray.open_rasterio(path)
        assert isinstance(opened, xr.DataArray)
        return opened

    def _write(self, content: MapRows | xr.DataArray, path: Path) -> None:
        if isinstance(content, xr.DataArray):
            raise TypeError("a map is saved from MapRows")
        write_cog(path, content.form, content.rows())
