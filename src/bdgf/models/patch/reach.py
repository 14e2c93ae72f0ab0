"""Does what held-out pixels say hold for the map? It lies farther from training pixels, or not.

Whoever predicts far from the training pixels errs more often there. Evidence from nearer pixels
does not tell how often. So the two distances are compared (Meyer and Pebesma, Nature
Communications 13, 2022), and held-out pixels can be weighed so that their distances are those of
the map. Folds of matched distances have the same aim (Mila et al., Methods in Ecology and
Evolution 13, 2022); weights need no folds of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bdgf.models.patch.sampling import Pixels

MOST = 0.95
"""Share of the held-out pixels within the distance that evidence reaches."""

_NEAREST = 0.1
"""Share of the held-out pixels that stand for one distance of the map."""
_LEAST_NEAREST = 3
_STEPS = 200
"""Distances of the map that are looked at: evenly, from the nearest pixels to the farthest."""


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


def matched_weights(held_out: np.ndarray, mapped: np.ndarray) -> np.ndarray:
    """Weights of held-out pixels, under which they lie as far from training pixels as the map.

    Each distance of the map gives the same weight, in even parts, to the held-out pixels whose
    distances are nearest to it: a tenth of them, and all that lie no farther off than these.

    Args:
        held_out: (n,) distances of held-out pixels to those that trained what was judged on them.
        mapped: (m,) distances of the scene's pixels to all training pixels.

    Returns:
        (n,) weights, at least 0; their mean is 1.
    """
    count = min(max(round(len(held_out) * _NEAREST), _LEAST_NEAREST), len(held_out))
    steps = np.quantile(mapped, (np.arange(_STEPS) + 0.5) / _STEPS)
    apart = np.abs(held_out[None] - steps[:, None])  # (steps, n)
    limit = np.partition(apart, count - 1, axis=1)[:, count - 1 : count]
    near = (apart <= limit).astype(float)
    weights: np.ndarray = (near / near.sum(1, keepdims=True)).sum(0)
    return weights * len(held_out) / _STEPS


def reach_told(distance: Mapping[str, Any]) -> str:
    """The comparison in one sentence, without its full stop.

    Args:
        distance: The fields of a `Reach`.
    """
    return (
        f"{100 * distance['beyond']:.0f} % of the map lies farther from training pixels than "
        f"{distance['held_out_most']:.0f} px, within which {100 * MOST:.0f} % of the held-out "
        f"pixels lie (medians {distance['map']:.0f} and {distance['held_out']:.0f} px)"
    )
