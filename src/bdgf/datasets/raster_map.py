"""Maps as GeoTIFF: classes, splits, uncertainty."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr

from bdgf.core.digests import check_digests
from bdgf.core.errors import artifact_errors
from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.raster.georeferencing import georeference, with_georeference

_TAG = "BDGF_ATTRIBUTES"


class RasterMapDataset(LocalVersionedDataset[xr.DataArray]):
    """A `(y, x)` DataArray as one band of a GeoTIFF.

    CRS and transform come from the array's georeference. The attribute `colors`
    ({value: "#rrggbb"}) becomes the colour table of a uint8 map; all attributes are kept as a
    JSON tag and come back at loading.

    Example:
        ```yaml
        class_map:
          type: bdgf.datasets.raster_map.RasterMapDataset
          filepath: data/07_model_output/demo/class_map.tif
          versioned: true
        ```
    """

    def _read(self, path: Path) -> xr.DataArray:
        import rasterio

        with artifact_errors(str(path), self.remedy), _without_georeference_warning():
            check_digests(self.companions(path))
            with rasterio.open(path) as source:
                values, tags = source.read(1), source.tags()
                crs, transform = source.crs, source.transform
            attributes = json.loads(tags.get(_TAG, "{}"))
        array = xr.DataArray(values, dims=("y", "x"), attrs=attributes)
        return with_georeference(array, crs, None if transform.is_identity else transform)

    def _write(self, content: xr.DataArray, path: Path) -> None:
        import rasterio

        values = np.ascontiguousarray(content.to_numpy())
        crs, transform = georeference(content)
        profile = {"driver": "GTiff", "count": 1, "dtype": values.dtype.name, "compress": "deflate"}
        profile |= {"height": values.shape[0], "width": values.shape[1]}
        # Set the georeference only where there is one; rasterio warns about an identity transform.
        profile |= {"crs": crs} if crs else {}
        profile |= {"transform": transform} if transform else {}
        colors = content.attrs.get("colors")
        # Made in memory: GDAL says nothing of what it cannot write while it closes a file.
        with _without_georeference_warning(), rasterio.MemoryFile() as memory:
            with memory.open(**profile) as target:
                if colors and values.dtype == np.uint8:  # before the values, which fix the header
                    target.write_colormap(1, {int(v): _rgba(c) for v, c in colors.items()})
                target.write(values, 1)
                target.update_tags(**{_TAG: json.dumps(content.attrs, default=_plain)})
            path.write_bytes(memory.getbuffer())


def _without_georeference_warning():  # type: ignore[no-untyped-def]
    import warnings

    from rasterio.errors import NotGeoreferencedWarning

    return warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning)


def _rgba(color: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue, 255


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else str(value)
