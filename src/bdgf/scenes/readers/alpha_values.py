"""Statistics of a band that is flagged as alpha."""

from __future__ import annotations

import numpy as np

GREY_SHARE = 0.01
"""An alpha band is opaque or transparent but for a few pixels at seams; an image is not."""


def grey_share(values: np.ndarray) -> float:
    """Share of pixels that are neither transparent nor opaque.

    Args:
        values: (y, x) values of the band.
    """
    opaque = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else values.max()
    return float(np.mean((values != 0) & (values != opaque) & (values != values.max())))
