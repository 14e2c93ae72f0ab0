"""The tile of each pixel, on the scene's grid."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.ingest.layer_grids import SettledLayers
from bdgf.scenes.ingest.resampling import nearest_cells
from bdgf.scenes.sources import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TileNumbers:
    """Tiles of a scene.

    Attributes:
        numbers: (H, W) integers from 1, 0 in no tile.
        files: Names of the tiles' files, by number.
    """

    numbers: np.ndarray
    files: list[str]


def tile_numbers(settled: SettledLayers, grid_of: str | None = None) -> TileNumbers | None:
    """The tiles of one layer of the scene, on its grid; None where no layer has tiles.

    Images may be cut otherwise than one another. The tiles are those of the layer whose grid is the
    scene's, else of the first layer on that grid, else of the first layer with tiles.

    Args:
        settled: The scene's layers, images first.
        grid_of: The modality whose grid is the scene's, where its file names one.
    """
    found = {key: layer for key, layer in settled.layers.items() if layer.owners is not None}
    if not found:
        return None
    key = min(found, key=lambda key: (key != f"modality {grid_of}", key in settled.own))
    layer, own = found[key], settled.own.get(key)
    tiled = {len(other.tiles) for other in found.values()}
    if len(tiled) > 1:
        log.info("%s: the tiles of the scene are those of %s", layer.scene, layer.item)
    resampled = own is not None and own.cell_size is None
    numbers = _on_grid(layer, settled.grid, own.grid if own is not None and resampled else None)
    return TileNumbers(numbers, [place.path.name for place in layer.tiles])


def _on_grid(layer: FoundArray[Source], grid: PixelGrid, own: PixelGrid | None) -> np.ndarray:
    """(H, W) numbers of the tiles; `own` is the layer's grid where its system may be another."""
    owners = layer.owners
    assert owners is not None
    shape = owners.numbers.shape
    if own is not None:
        source = PixelGrid((shape[0], shape[1]), own.crs, owners.transform)
        cells = nearest_cells(source, grid, layer.about)
        return np.where(cells < 0, 0, owners.numbers.ravel()[np.maximum(cells, 0)])
    assert grid.transform is not None
    # Larger cells, or rows that run the other way: centres of pixels in cells of the mosaic.
    between = ~owners.transform @ grid.transform
    rows = np.floor(between.e * (np.arange(grid.shape[0]) + 0.5) + between.f).astype(np.int64)
    columns = np.floor(between.a * (np.arange(grid.shape[1]) + 0.5) + between.c).astype(np.int64)
    inside_rows, inside_columns = (
        (index >= 0) & (index < length)
        for index, length in zip((rows, columns), shape, strict=True)
    )
    numbers = np.zeros(grid.shape, owners.numbers.dtype)
    numbers[np.ix_(inside_rows, inside_columns)] = owners.numbers[
        np.ix_(rows[inside_rows], columns[inside_columns])
    ]
    return numbers
