"""The tiles of a scene's layers on the scene's grid."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from bdgf.scenes.ingest.found_array import FoundArray, TileOwners, TilePlace
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.ingest.layer_grids import OwnGrid, SettledLayers
from bdgf.scenes.ingest.tile_numbers import tile_numbers
from tests.scenes.ingest.raw_arrays import cube, image

PLACE = Affine(10, 0, 500_000, 0, -10, 5_000_000)
GRID = PixelGrid((4, 6), None, PLACE)
NUMBERS = np.array([[1, 1, 1, 2, 2, 2]] * 2 + [[3, 3, 3, 0, 0, 0]] * 2, np.uint8)


def layer(numbers=None, transform=PLACE, item="modality 'hsi'") -> FoundArray:
    found = replace(image(cube(np.zeros((4, 6, 1))))[0], item=item)
    if numbers is None:
        return found
    places = tuple(TilePlace(Path(f"{item[-2]}{i}.tif"), 0, 0, (2, 3)) for i in range(3))
    return replace(
        found, owners=TileOwners(numbers, transform, np.zeros(len(numbers), int)), tiles=places
    )


def settled(own=None, **layers) -> SettledLayers:
    keys = {f"modality {name}": found for name, found in layers.items()}
    own = {f"modality {name}": grid for name, grid in (own or {}).items()}
    return SettledLayers(GRID, "image.tif", keys, own)


def test_a_scene_without_tiles_has_none():
    assert tile_numbers(settled(hsi=layer())) is None


@pytest.mark.parametrize(
    ("numbers", "transform"),
    [
        (NUMBERS, PLACE),
        (NUMBERS[::-1], PLACE @ Affine(1, 0, 0, 0, -1, 4)),  # rows run the other way
        (NUMBERS[:, ::-1], PLACE @ Affine(-1, 0, 6, 0, 1, 0)),
        (NUMBERS.repeat(2, axis=0).repeat(2, axis=1), PLACE @ Affine.scale(0.5)),
        (np.pad(NUMBERS, 1, constant_values=9), PLACE @ Affine.translation(-1, -1)),
    ],
)
def test_they_lie_on_the_scene_s_grid_however_the_mosaic_lay(numbers, transform):
    tiles = tile_numbers(settled(hsi=layer(numbers, transform)))
    np.testing.assert_array_equal(tiles.numbers, NUMBERS)
    assert tiles.files == ["i0.tif", "i1.tif", "i2.tif"]


def test_larger_cells_and_what_lies_beyond_them():
    cells = np.array([[1, 2], [3, 4]], np.uint8)
    own = {"hsi": OwnGrid(PixelGrid((2, 2), None, PLACE @ Affine.scale(2)), 2, None)}
    tiles = tile_numbers(settled(own, hsi=layer(cells, PLACE @ Affine.scale(2))))
    expected = np.pad(cells.repeat(2, axis=0).repeat(2, axis=1), ((0, 0), (0, 2)))
    np.testing.assert_array_equal(tiles.numbers, expected)


def test_a_resampled_layer_s_tiles_are_the_nearest():
    east = PLACE @ Affine.translation(2.3, 0)
    own = {"hsi": OwnGrid(PixelGrid((4, 6), None, east), None, "bilinear")}
    tiles = tile_numbers(settled(own, hsi=layer(NUMBERS, east)))
    np.testing.assert_array_equal(tiles.numbers[:, 2:], NUMBERS[:, :-2])
    assert not tiles.numbers[:, :2].any()


def test_the_layer_whose_grid_is_the_scene_s_comes_first():
    other = np.where(NUMBERS == 3, 2, 1).astype(np.uint8)
    own = {"dsm": OwnGrid(GRID, None, "nearest")}
    layers = {"dsm": layer(other, item="modality 'dsm'"), "hsi": layer(NUMBERS)}
    np.testing.assert_array_equal(tile_numbers(settled(own, **layers)).numbers, NUMBERS)
    np.testing.assert_array_equal(tile_numbers(settled(**layers)).numbers, other)
    np.testing.assert_array_equal(tile_numbers(settled(**layers), "hsi").numbers, NUMBERS)
