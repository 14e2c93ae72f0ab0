"""Which whole tiles go to one part of a split and which to the other, classes as even as can be.

A tile holds many classes, so that no draw of tiles gives each class its exact share. Several are
drawn, and the most even one is taken; how many is chosen here.
"""

from __future__ import annotations

import logging

import numpy as np

log = logging.getLogger(__name__)

_DRAWS = 200
"""Draws that are looked at until enough of them leave no class out."""
_EVEN = 10
"""Draws of which the most even one is taken: few, so that seeds give different splits."""


def pixels_of_tiles(labels: np.ndarray, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labelled pixels by tile and class.

    Args:
        labels: (H, W) integers, the class ids of the pixels that count, 0 elsewhere.
        tiles: (H, W) integers, the tile of each pixel from 1; 0 in none.

    Returns:
        (n,) numbers of the tiles with labels, and (n, K) pixels of each class that is there.
    """
    counted = (labels != 0) & (tiles != 0)
    ids, tile = np.unique(tiles[counted], return_inverse=True)
    classes, of_class = np.unique(labels[counted], return_inverse=True)
    pixels = np.zeros((len(ids), len(classes)), np.int64)
    np.add.at(pixels, (tile, of_class), 1)
    return ids, pixels


def choose_tiles(pixels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray | None:
    """Draws the tiles of the first part; the rest make the second.

    The first part has every class, with more tiles than its share where it must. Among draws of
    which the second lacks fewest classes, the one is taken in which the classes' shares are nearest
    to what is wanted.

    Args:
        pixels: (n, K) pixels of each class in each tile.
        share: Share of the tiles for the first part; at least one goes to either.
        rng: Source of every draw.

    Returns:
        (n,) bool, True in the first part; None where no draw leaves a tile for the second.
    """
    count = min(max(1, round(share * len(pixels))), len(pixels) - 1)
    totals = pixels.sum(axis=0)
    found: list[tuple[int, float, np.ndarray]] = []
    for _ in range(_DRAWS):
        chosen = _with_all_classes(pixels, rng.permutation(len(pixels)), count)
        if chosen.all():
            continue
        first = pixels[chosen].sum(axis=0)
        lacking = int((first == totals).sum())
        uneven = float(np.abs(first / totals - share).mean())
        found.append((lacking, uneven, chosen))
        if sum(one[0] == 0 for one in found) == _EVEN:
            break
    if not found:
        return None
    least = min(one[0] for one in found)
    best = [one for one in found if one[0] == least][:_EVEN]
    return min(best, key=lambda one: one[1])[2]


def carve_tiles(
    labels: np.ndarray, tiles: np.ndarray, fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Moves whole training tiles to validation, so that every class keeps training pixels.

    Args:
        labels: (H, W) integers, the class ids of the training pixels, 0 elsewhere.
        tiles: (H, W) integers, the tile of each pixel from 1.
        fraction: Share of the training tiles; 0 takes none.
        rng: Source of every draw.

    Returns:
        (H, W) bool, True on validation pixels; nowhere where no tile can be spared.
    """
    nothing = np.zeros(labels.shape, bool)
    if fraction == 0:
        return nothing
    ids, pixels = pixels_of_tiles(labels, tiles)
    kept = choose_tiles(pixels, 1 - fraction, rng) if len(ids) > 1 else None
    if kept is None:
        log.info("no training tile can be used for validation: all of them train")
        return nothing
    return np.isin(tiles, ids[~kept]) & (labels != 0)


def _with_all_classes(pixels: np.ndarray, order: np.ndarray, count: int) -> np.ndarray:
    """(n,) bool: the first `count` tiles of an order, and more while they lack a class."""
    chosen = np.zeros(len(pixels), bool)
    chosen[order[:count]] = True
    while (missing := np.flatnonzero(pixels[chosen].sum(axis=0) == 0)).size:
        waiting = order[~chosen[order]]
        # The tile with most pixels of the first missing class.
        chosen[waiting[np.argmax(pixels[waiting, missing[0]])]] = True
    return chosen
