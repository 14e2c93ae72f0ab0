import numpy as np
import pytest
from affine import Affine

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.ingest.layer_grids import OwnGrid
from bdgf.scenes.ingest.layer_placement import image_on_grid, labels_on_grid
from bdgf.scenes.scene import ModalityArray
from tests.scenes.ingest.raw_arrays import cube, image, labels

GRID = PixelGrid((6, 8), None, Affine(1, 0, 0, 0, -1, 0))
VALUES = np.arange(1, 13).reshape(3, 4, 1)
CELLS = OwnGrid(PixelGrid((3, 4), None, GRID.transform @ Affine.scale(2)), 2, None)
# Two pixels east of the scene's.
EAST = OwnGrid(PixelGrid((6, 8), None, GRID.transform @ Affine.translation(2, 0)), None, "nearest")


def test_an_image_takes_either_way_and_keeps_what_it_is():
    found = image(cube(VALUES))[0]
    placed = image_on_grid(ModalityArray(VALUES, "spectral", "m", "log"), CELLS, GRID, found)
    np.testing.assert_array_equal(placed.values, VALUES.repeat(2, axis=0).repeat(2, axis=1))
    assert (placed.kind, placed.units, placed.scale, placed.cell_size) == (
        "spectral",
        "m",
        "log",
        2,
    )
    values = np.arange(48, dtype=np.float32).reshape(6, 8, 1)
    placed = image_on_grid(ModalityArray(values, "auxiliary"), EAST, GRID, found)
    np.testing.assert_array_equal(placed.values[:, 2:], values[:, :-2])
    np.testing.assert_array_equal(placed.has_data, np.tile(np.arange(8) > 1, (6, 1)))
    assert placed.cell_size == 1


@pytest.mark.parametrize("by_band", [False, True])
def test_masks_of_labels_move_with_them_and_what_lies_outside_is_masked(by_band):
    values = np.arange(48).reshape(6, 8, 1)
    hidden = values[..., 0] % 5 == 0
    found = labels(cube(values, masked=hidden[..., None] if by_band else hidden))
    array = labels_on_grid(found, EAST, GRID).arrays[0]
    masked = array.masked[..., 0] if by_band else array.masked
    assert masked[:, :2].all()
    np.testing.assert_array_equal(masked[:, 2:], hidden[:, :-2])
    np.testing.assert_array_equal(array.values[:, 2:], values[:, :-2])


def test_with_mask_none_only_what_lies_outside_is_masked():
    values = np.arange(48).reshape(6, 8, 1)
    found = labels(cube(values, masked=np.ones((6, 8), bool)), mask="none")
    placed = labels_on_grid(found, EAST, GRID)
    assert placed.source.mask == "stored"
    np.testing.assert_array_equal(placed.arrays[0].masked, np.tile(np.arange(8) < 2, (6, 1)))


def test_layers_without_data_on_the_scenes_grid_are_refused():
    far = PixelGrid((3, 4), None, GRID.transform @ Affine.translation(100, 100))
    with pytest.raises(SceneError, match="lies wholly outside the scene's grid"):
        labels_on_grid(labels(cube(VALUES)), OwnGrid(far, None, "nearest"), GRID)
    with pytest.raises(SceneError, match="has no data anywhere on the scene's grid"):
        image_on_grid(
            ModalityArray(VALUES, "spectral"),
            OwnGrid(far, None, "average"),
            GRID,
            image(cube(VALUES))[0],
        )
