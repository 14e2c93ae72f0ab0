"""Writers of rasters for the readers' tests; ENVI is written without GDAL."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning

ENVI_TYPES = {
    "u1": 1, "i2": 2, "i4": 3, "f4": 4, "f8": 5, "c8": 6, "u2": 12, "u4": 13, "i8": 14, "u8": 15,
}  # fmt: skip
_AXES = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}  # of a (y, x, band) array


def write_envi(
    data: Path,
    cube: np.ndarray,
    fields: str = "",
    dtype: str = "<i2",
    interleave: str = "bsq",
    skip: int = 0,
    header: str | None = None,
    encoding: str = "utf-8",
) -> Path:
    """A (y, x, band) cube as raw bytes with a header (by default `<stem>.hdr`); its path."""
    order = np.ascontiguousarray(cube.transpose(_AXES[interleave])).astype(dtype)
    data.write_bytes(b"\x7f" * skip + order.tobytes())
    lines = ["ENVI", f"samples = {cube.shape[1]}", f"lines = {cube.shape[0]}"]
    lines += [f"bands = {cube.shape[2]}", f"header offset = {skip}"]
    lines += [f"data type = {ENVI_TYPES[dtype[1:]]}", f"interleave = {interleave}"]
    lines += [f"byte order = {int(dtype[0] == '>')}", fields]
    path = data.with_name(header or data.stem + ".hdr")
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def write_tif(
    path: Path,
    cube: np.ndarray,
    masks: Sequence[np.ndarray] = (),
    internal: bool = True,
    scales: Sequence[float] | None = None,
    offsets: Sequence[float] | None = None,
    **profile: Any,
) -> None:
    """A (y, x[, band]) array; `masks`: one of all bands, or one a band (beside), True is data."""
    cube = np.atleast_3d(cube)
    rows, columns, count = cube.shape
    profile = {"driver": "GTiff", "dtype": cube.dtype.name} | profile
    profile |= {"height": rows, "width": columns, "count": count}
    with (
        warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal),
    ):
        with rasterio.open(path, "w", **profile) as file:
            file.write(cube.transpose(2, 0, 1))
            if scales is not None:
                file.scales = scales
            if offsets is not None:
                file.offsets = offsets
            if len(masks) == 1:
                file.write_mask(masks[0].astype(np.uint8) * 255)
        if len(masks) > 1:
            kind = {"driver": "GTiff", "dtype": "uint8", "height": rows, "width": columns}
            with rasterio.open(f"{path}.msk", "w", count=count, **kind) as file:
                file.write(np.stack(masks).astype(np.uint8) * 255)
                file.update_tags(**{f"INTERNAL_MASK_FLAGS_{i}": 0 for i in file.indexes})
