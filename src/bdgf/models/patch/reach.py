"""Does what held-out pixels say hold for the map? It lies farther from training pixels, or not.

Whoever predicts far from the training pixels errs more often there. Evidence from nearer pixels
does not tell how often. So the two distances are compared (Meyer and Pebesma, Nature
Communications 13, 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bdgf.models.patch.sampling import Pixels

MOST = 0.95
"""Share of the held-out pixels within the distance that evidence reaches."""


@dataclass(frozen=True)
class Reach:
    """Distances to the nearest training pixel, centre to centre, in pixels.

    Attributes:
        held_out: That of the held-out pixels, the median.
        held_out_most: Within which 95 % of the held-out pixels lie.
        map: That of the scene's valid pixels, the median.
        beyond: Share of the valid pixels that lie farther away than `held_out_most`, 0..1.
    """

    held_out: float
    held_out_most: float
    map: float
    beyond: float


def distance_to(pixels: Pixels, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """(n,) Euclidean distances from (n,) rows and cols to the nearest of `pixels`, in pixels."""
    from scipy.spatial import cKDTree

    tree = cKDTree(np.stack([pixels.rows, pixels.cols], axis=1))
    found: np.ndarray = tree.query(np.stack([rows, cols], axis=1))[0]
    return found


def reach_of(held_out: np.ndarray, mapped: np.ndarray) -> Reach:
    """Compares distances.

    Args:
        held_out: (n,) of held-out pixels to those that trained what was judged on them.
        mapped: (m,) of the scene's pixels to all training pixels.
    """
    most = float(np.quantile(held_out, MOST))
    beyond = float((mapped > most).mean())
    return Reach(float(np.median(held_out)), most, float(np.median(mapped)), beyond)


def reach_told(distance: Mapping[str, Any]) -> str:
    """The comparison in one sentence, without its full stop.

    Args:
        distance: The fields of a `Reach`.
    """
    return (
        f"held-out pixels lie {distance['held_out']:.0f} px from training pixels (median), those "
        f"of the map {distance['map']:.0f} px, and {100 * distance['beyond']:.0f} % of the map "
        f"farther than {distance['held_out_most']:.0f} px, within which {100 * MOST:.0f} % of the "
        f"held-out pixels lie"
    )
