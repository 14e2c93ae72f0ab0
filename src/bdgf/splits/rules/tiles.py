"""Whole tiles train or test: no tile is seen by both."""

from __future__ import annotations

import logging

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.scenes.scene import class_table
from bdgf.scenes.tiles import TILES
from bdgf.splits.block_folds import near
from bdgf.splits.rules.rule import Masks
from bdgf.splits.settings import SplitSettings
from bdgf.splits.tile_choice import choose_tiles, pixels_of_tiles

log = logging.getLogger(__name__)


def tiles(
    scene: xr.Dataset,
    labels: np.ndarray,
    settings: SplitSettings,
    rng: np.random.Generator,
    patch_radius: int,
) -> Masks:
    """A share of the tiles with labels trains, the rest tests; more train while a class lacks.

    Along the edges of test tiles nothing trains, as far as the buffer goes.

    Raises:
        SceneError: The scene is not made of tiles, or has too few of them with labels.
        SettingsError: The buffer is narrower than the patch radius.
    """
    buffer = settings.buffer_for(patch_radius)
    numbers = labelled_tiles(scene, labels)
    ids, pixels = pixels_of_tiles(labels, numbers)
    chosen = choose_tiles(pixels, settings.train_share, rng) if len(ids) > 1 else None
    if chosen is None:
        raise SceneError(
            f"the split 'tiles' has too few tiles: of {len(ids)} with labels, none is left to test "
            "on once every class trains; label more of them, take a class of a single tile out of "
            "the scene's list, or choose another split (split.name=spatial_blocks)"
        )
    in_train = np.isin(numbers, ids[chosen])
    test = (numbers != 0) & ~in_train
    train = in_train & ~near(test, buffer)
    _tell(scene, labels, test, int(chosen.sum()), len(ids))
    return train, test


def labelled_tiles(scene: xr.Dataset, labels: np.ndarray) -> np.ndarray:
    """(H, W) int32: the tile of each pixel with a label, 0 elsewhere; warns of labels in none.

    Raises:
        SceneError: The scene is not made of tiles.
    """
    if TILES not in scene:
        raise SceneError(
            "the split 'tiles' holds out whole tiles, but no image or label map of the scene is "
            "made of several (docs/how_to/scenes.md), or it was ingested by an earlier version; "
            "ingest it again, or choose another split, such as split.name=spatial_blocks"
        )
    numbers: np.ndarray = np.where(labels != 0, scene[TILES].to_numpy(), 0)
    if bare := int(((labels != 0) & (numbers == 0)).sum()):
        log.warning("%d labelled pixels lie in no tile: no part of the split has them", bare)
    return numbers


def _tell(scene: xr.Dataset, labels: np.ndarray, test: np.ndarray, train: int, every: int) -> None:
    log.info("the split 'tiles': %d of %d tiles with labels train", train, every)
    untested = np.setdiff1d(labels[labels != 0], labels[test])
    if untested.size:
        names = ", ".join(class_table(scene).name(int(i)) for i in untested)
        log.warning("the split 'tiles' tests no pixel of %s: too few tiles have any", names)
