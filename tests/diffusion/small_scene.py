"""A small prepared scene: three modalities that share their structure, with nodata."""

import json

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

CHANNELS = {"optical": 4, "sar": 2, "height": 1}


def prepared_scene(rows=40, columns=52, *, nodata=True, seed=0):
    """A prepared scene of `rows` x `columns` pixels; a corner has no data."""
    rng = np.random.default_rng(seed)
    ground = gaussian_filter(rng.standard_normal((3, rows, columns)), (0, 3, 3))
    valid = np.ones((rows, columns), bool)
    if nodata:
        valid[: rows // 4, : columns // 3] = False
    variables = {"valid": (("y", "x"), valid.astype(np.uint8))}
    for name, count in CHANNELS.items():
        mixed = np.einsum("cg,gyx->cyx", rng.standard_normal((count, 3)), ground)
        mixed /= mixed.std(axis=(1, 2), keepdims=True)
        mixed = np.where(valid, mixed, 0).astype(np.float32)
        variables[name] = ((f"band_{name}", "y", "x"), mixed, {"kind": "auxiliary"})
    attributes = {"scene": "small", "modalities": json.dumps(list(CHANNELS)), "classes": "[]"}
    return xr.Dataset(variables, attrs=attributes)
