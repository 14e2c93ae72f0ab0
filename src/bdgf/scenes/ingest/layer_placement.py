"""Brings layers on other grids to the scene's grid."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.cell_sizes import cell_numbers, repeated
from bdgf.scenes.ingest.found_array import FoundArray, without_masks_of_files
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.ingest.layer_grids import OwnGrid
from bdgf.scenes.ingest.reference_systems import name_of
from bdgf.scenes.ingest.resampling import nearest_cells, resampled
from bdgf.scenes.scene import ModalityArray
from bdgf.scenes.sources import LabelSource

log = logging.getLogger(__name__)


def image_on_grid(
    image: ModalityArray, own: OwnGrid, grid: PixelGrid, found: FoundArray[Any]
) -> ModalityArray:
    """A modality on the scene's grid.

    Args:
        image: (h, w, bands) on its own grid.
        own: That grid, and how it comes onto the scene's.
        grid: The scene's grid, rows and columns H, W.
        found: Where it is from, for messages.

    Returns:
        (H, W, bands).

    Raises:
        SceneError: It has no data anywhere on the scene's grid.
    """
    if own.cell_size is not None:
        placed = repeated(image, own.cell_size, grid.shape)
    else:
        assert own.resample is not None
        placed = resampled(image, own.grid, grid, own.resample, found.about)
    assert placed.has_data is not None
    if not placed.has_data.any():
        raise SceneError(
            f"{found.about} has no data anywhere on the scene's grid; compare the places of the "
            "files, or choose another file"
        )
    _tell(found, own, float(1 - placed.has_data.mean()))
    return placed


def labels_on_grid(
    found: FoundArray[LabelSource], own: OwnGrid, grid: PixelGrid
) -> FoundArray[LabelSource]:
    """A label map on the scene's grid, as stored; pixels outside it are masked.

    Args:
        found: The map on its own grid, axes (y, x, band).
        own: That grid, and how it comes onto the scene's.
        grid: The scene's grid.
    """
    (array,) = found.arrays
    rows, columns = array.values.shape[:2]
    if own.cell_size is not None:
        numbers = cell_numbers((rows, columns), own.cell_size, grid.shape)
    else:
        numbers = nearest_cells(own.grid, grid, found.about)
    outside = numbers < 0
    if outside.all():
        raise SceneError(
            f"{found.about} lies wholly outside the scene's grid; compare the places of the files"
        )
    found = without_masks_of_files(found)
    (array,) = found.arrays
    where = np.divmod(np.maximum(numbers, 0), columns)
    masked = outside if array.masked is None else array.masked[where]
    if masked.ndim == array.values.ndim:
        masked[outside] = True
    else:
        masked = masked | outside
    _tell(found, own, float(outside.mean()))
    placed = replace(array, values=array.values[where], masked=masked, transform=grid.transform)
    return replace(found, arrays=(placed,))


def _tell(found: FoundArray[Any], own: OwnGrid, missing: float) -> None:
    share = f", {100 * missing:.2g} % of the pixels without" if missing else ""
    size = "x".join(map(str, own.grid.shape))
    if own.cell_size is not None:
        log.info(
            "%s: %s: %s cells of %d x %d pixels, each value stands for all of them%s",
            found.scene,
            found.where,
            size,
            own.cell_size,
            own.cell_size,
            share,
        )
        return
    transform = own.grid.transform
    assert transform is not None
    log.info(
        "%s: %s: resampled (%s) onto the scene's grid from %s cells of %.6g in %s%s",
        found.scene,
        found.where,
        own.resample,
        size,
        float(np.sqrt(abs(transform.determinant))),
        name_of(own.grid.crs) if own.grid.crs is not None else "the same reference system",
        share,
    )
