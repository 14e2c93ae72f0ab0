"""Applies what a raw array declares, by the contract's words alone, to compare it with a truth."""

import numpy as np

from bdgf.scenes.readers.raw_array import RawArray


def applied(raw: RawArray) -> np.ndarray:
    """Float64 values, the axes as stored (bands last of unnamed ones), NaN where no data is."""
    values = np.asarray(raw.values, np.float64)
    shape = [1] * values.ndim
    bands = [i for i, name in enumerate(raw.axes or ()) if name not in ("x", "y")]
    axis = bands[0] if bands else values.ndim - 1
    hidden = np.isin(raw.values, np.array(raw.nodata[0], raw.values.dtype)) if raw.nodata[0] else 0
    scale, offset = (
        np.reshape(one, [*shape[:axis], -1, *shape[axis + 1 :]]) for one in (raw.scale, raw.offset)
    )
    return np.where(hidden, np.nan, values * scale + offset)
