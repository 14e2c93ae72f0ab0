"""Numbers commonly used as fill values."""

from __future__ import annotations

import numpy as np

CUSTOMARY_FILLS: tuple[float, ...] = (
    *(-999, -9999, -99999, -999999),  # by hand, NEON, AVIRIS, ENVI
    *(99999, 999999),
    *(-32768, -32767, 32767, 65535),  # limits of 16 bits: SRTM, EnMAP, Landsat
    *(-2147483648, -2147483647, 2147483647, 4294967295),  # limits of 32 bits
    *(1e20, -1e20, 9.969209968386869e36, 1e36, 1e30, -1e30, -1e34),  # CF, NetCDF, Ferret
    *(3.4e38, -3.4e38, 3.4028234663852886e38, -3.4028234663852886e38),  # limits of float32
    1.70141e38,  # Surfer
)
"""Values that products, libraries and data types set where there are no data. Neither 0 nor 255,
which are measured everywhere, nor 9999, at which reflectances x 10000 end."""

_FILLS = np.array(CUSTOMARY_FILLS, np.float32)


def is_customary_fill(values: np.ndarray) -> np.ndarray:
    """(...) bool: where float32 values are one of `CUSTOMARY_FILLS`."""
    found: np.ndarray = np.isin(values, _FILLS)
    return found
