"""Maps as GeoTIFF: classes, splits, uncertainty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bdgf.core.digests import check_digests
from bdgf.core.errors import artifact_errors
from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.raster.cog import MapForm, auxiliary_path, style_path, write_small_cog
from bdgf.raster.georeferencing import georeference, with_georeference

_TAG = "BDGF_ATTRIBUTES"


class RasterMapDataset(LocalVersionedDataset[xr.DataArray]):
    """A `(y, x)` DataArray as one band of a Cloud-Optimized GeoTIFF.

    CRS and transform come from the array's georeference. Of its attributes, `colors` and `classes`
    ({value: "#rrggbb"}, {value: name}) become the colours and names of a uint8 map, `nodata` the
    value that means no data (NaN of a map of real numbers), `quantity` the band's description and
    `units` its units. All attributes are kept as a JSON tag and come back at loading.

    Example:
        ```yaml
        class_map:
          type: bdgf.datasets.raster_map.RasterMapDataset
          filepath: data/07_model_output/demo/class_map.tif
          versioned: true
        ```
    """

    def companions(self, path: Path) -> list[Path]:
        """The file and, for a class map, its companion files."""
        beside = (auxiliary_path(path), style_path(path))
        return [path, *(file for file in beside if file.exists())]

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
        values = np.ascontiguousarray(content.to_numpy())
        crs, transform = georeference(content)
        attributes = content.attrs
        form = MapForm(
            values.dtype.name,
            (values.shape[0], values.shape[1]),
            _nodata(values, attributes),
            crs,
            transform,
            bands=(str(attributes.get("quantity", "")),),
            units=str(attributes.get("units", "")),
            classes=_classes(values, attributes),
            tags={_TAG: json.dumps(attributes, default=_plain)},
        )
        write_small_cog(path, form, values[None])


def _nodata(values: np.ndarray, attributes: Mapping[str, Any]) -> float | None:
    if "nodata" in attributes:
        return float(attributes["nodata"])
    return float("nan") if np.issubdtype(values.dtype, np.floating) else None


def _classes(values: np.ndarray, attributes: Mapping[str, Any]) -> dict[int, tuple[str, str]]:
    if values.dtype != np.uint8:
        return {}
    names = {int(value): str(name) for value, name in attributes.get("classes", {}).items()}
    colors = {int(value): str(color) for value, color in attributes.get("colors", {}).items()}
    nodata = attributes.get("nodata")
    return {v: (names.get(v, str(v)), color) for v, color in colors.items() if v != nodata}


def _without_georeference_warning():  # type: ignore[no-untyped-def]
    import warnings

    from rasterio.errors import NotGeoreferencedWarning

    return warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning)


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else str(value)
