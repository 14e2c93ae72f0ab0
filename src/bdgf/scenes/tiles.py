"""Which tile of an image each pixel of a scene is of, where the scene is made of tiles.

The variable `tiles` (y, x) int32 has a number from 1, 0 in no tile; its attribute `files` names the
tiles' files in the order of their numbers, as JSON. Tiles are not polygons (`groups`): a scene may
have both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

TILES = "tiles"


def with_tiles(scene: xr.Dataset, numbers: np.ndarray, files: Sequence[str]) -> xr.Dataset:
    """The scene with the tile of each pixel.

    Args:
        scene: The scene.
        numbers: (H, W) integers from 1; 0 in no tile.
        files: The names of the tiles' files, by number.
    """
    told = {"files": json.dumps(list(files))}
    return scene.assign({TILES: (("y", "x"), numbers.astype(np.int32), told)})


def tile_files(scene: xr.Dataset) -> list[str]:
    """The names of the tiles' files, that of tile 1 first."""
    names: list[str] = json.loads(scene[TILES].attrs["files"])
    return names
