"""Small scenes with labels, official maps, polygons and tiles, drawn at random."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from bdgf.scenes.scene import ClassTable, ModalityArray, new_scene, with_groups
from bdgf.scenes.tiles import with_tiles
from bdgf.splits.validation_groups import grid_blocks


def random_scene(seed: int, size: int = 40, classes: int = 3, polygon: int = 5) -> xr.Dataset:
    """Classes in patches; polygons in squares of so many pixels, tiles of 10."""
    rng = np.random.default_rng(seed)
    fields = np.stack([gaussian_filter(rng.normal(size=(size, size)), 4) for _ in range(classes)])
    labels = fields.argmax(axis=0) + 1
    labels[rng.random((size, size)) < 0.2] = 0
    valid = rng.random((size, size)) < 0.9
    train = np.where(rng.random((size, size)) < 0.05, labels, 0)
    for class_id in range(1, classes + 1):  # official maps train every class
        row, column = np.argwhere((labels == class_id) & valid)[0]
        train[row, column] = class_id
    scene = new_scene(
        "random",
        {
            "optical": ModalityArray(rng.random((size, size, 2)), "spectral"),
            "height": ModalityArray(rng.random((size, size, 1)), "auxiliary"),
        },
        labels,
        ClassTable.of([f"class {i}" for i in range(classes)]),
        valid=valid,
        official_train=train,
        official_test=np.where(train > 0, 0, labels),
        transform=None,
    )
    squares = grid_blocks((size, size), polygon)  # of which each holds a polygon of each class
    scene = with_groups(scene, classes * squares + labels)
    return with_tiles(scene, grid_blocks((size, size), 10) + 1, [f"{i}.tif" for i in range(16)])
