"""Training data of a scene that does not fit into memory: tensors in files."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from bdgf.core.errors import SceneError
from bdgf.core.fingerprint import fingerprint
from bdgf.core.mapped_file import mapped_array, release
from bdgf.features.source import FeatureSource
from bdgf.preprocessing.prepared_channels import average_channels, channel_slices
from bdgf.raster.patches import SceneTensors, channels_last
from bdgf.raster.windows import row_bands, rows_within
from bdgf.scenes.masks import modality_masks

if TYPE_CHECKING:
    import xarray as xr


def mapped_tensors(
    prepared: xr.Dataset, cube: FeatureSource | None = None, folder: Path | None = None
) -> SceneTensors:
    """The channels of a prepared scene and its features: the numbers of `scene_tensors`, in files.

    Args:
        prepared: The prepared scene.
        cube: Its feature cube; None leaves the features out.
        folder: Where the files are, which have no names; None for the system's folder of
            large temporary files.

    Raises:
        SceneError: The cube is of a scene of another size.
        StorageError: The disk is too full.
    """
    shape = (prepared.sizes["y"], prepared.sizes["x"])
    if cube is not None and tuple(cube.shape) != shape:
        raise SceneError(
            f"{cube.name} is of a scene of {cube.shape} pixels, not {shape}; "
            "run the pipeline features again"
        )
    slices = channel_slices(prepared)
    count = max(part.stop for part in slices.values())
    pixels, digests = mapped_array((*shape, count), np.float32, folder), []

    def read_channels(rows: slice) -> None:
        for name, part in slices.items():
            pixels[rows, :, part] = prepared[name][:, rows].to_numpy().transpose(1, 2, 0)

    digests += _filled(pixels, read_channels)
    files, maps, means, deviations = [pixels], [], [], []
    for level in cube.levels if cube is not None else ():
        assert cube is not None
        mean, deviation = cube.moments(level)
        cells = (ceil(shape[0] / 2**level), ceil(shape[1] / 2**level))
        array = mapped_array((*cells, len(mean)), np.float16, folder)

        def read_level(rows: slice, level: int = level, array: np.ndarray = array) -> None:
            array[rows] = cube.read(level, rows).transpose(1, 2, 0)

        digests += _filled(array, read_level)
        files.append(array)
        maps.append(torch.from_numpy(array).permute(2, 0, 1))
        means.append(torch.from_numpy(mean))
        deviations.append(torch.from_numpy(deviation))
    masks = modality_masks(prepared)
    return SceneTensors(
        torch.from_numpy(pixels).permute(2, 0, 1),
        slices,
        tuple(maps),
        tuple(means),
        tuple(deviations),
        None if masks is None else channels_last(torch.from_numpy(masks)),
        fingerprint(digests),
        tuple(files),
        average_channels(prepared),
    )


def _filled(array: np.ndarray, read: Callable[[slice], None]) -> list[str]:
    """Fills an (h, w, C) array some rows at a time; digests of these."""
    height, width, count = array.shape
    digests = []
    for rows in row_bands(height, rows_within(width * count)):
        read(rows)
        digests.append(fingerprint(array[rows]))
        release(array)
    return digests
