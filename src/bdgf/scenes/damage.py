"""Scenes with one modality spoilt, to test how much a map suffers: noise, and gaps as of clouds."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bdgf.core.errors import SettingsError
from bdgf.scenes.mask_variables import mask_name, mask_variables
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.scene import modality_names


def noisy(scene: xr.Dataset, modality: str, sigma: float, rng: np.random.Generator) -> xr.Dataset:
    """The scene with Gaussian noise on one modality, where that has data.

    Args:
        scene: A prepared scene, whose channels have a standard deviation of about 1.
        modality: The modality.
        sigma: Standard deviation of the noise.
        rng: Source of the noise.

    Raises:
        SettingsError: There is no such modality.
    """
    values, there = _values(scene, modality), modality_mask(scene, modality)
    noise = sigma * rng.standard_normal(values.shape, np.float32)
    along = [axis for axis, dim in enumerate(values.dims) if dim not in ("y", "x")]
    spoilt = values.to_numpy() + noise * np.expand_dims(there, along)
    return scene.assign({modality: values.copy(data=spoilt.astype(values.dtype))})


def clouded(scene: xr.Dataset, modality: str, covered: np.ndarray) -> xr.Dataset:
    """The scene with one modality missing where it is covered.

    Pixels that no other modality covers become invalid.

    Args:
        scene: A scene or prepared scene.
        modality: The modality.
        covered: (H, W) bool.

    Raises:
        SettingsError: There is no such modality.
    """
    values, names = _values(scene, modality), modality_names(scene)
    masks = {name: modality_mask(scene, name) for name in names}
    masks[modality] = masks[modality] & ~covered
    own = [mask_name(name) for name in names if mask_name(name) in scene]
    along = [axis for axis, dim in enumerate(values.dims) if dim not in ("y", "x")]
    left = np.where(np.expand_dims(masks[modality], along), values.to_numpy(), values.dtype.type(0))
    valid = np.logical_or.reduce(list(masks.values()))
    return scene.drop_vars(own).assign(
        {modality: values.copy(data=left), **mask_variables(masks, valid)}
    )


def cloud_blocks(
    shape: tuple[int, int], share: float, side: int, rng: np.random.Generator
) -> np.ndarray:
    """(H, W) bool: blocks of a grid, drawn until they are a share of all, one at least.

    Args:
        shape: (H, W).
        share: Of the blocks, 0..1.
        side: Of a block in pixels.
        rng: Draws the blocks.
    """
    rows, columns = (-(-length // side) for length in shape)
    count = min(max(1, round(share * rows * columns)), rows * columns)
    drawn = np.zeros(rows * columns, bool)
    drawn[rng.choice(rows * columns, count, replace=False)] = True
    grown = drawn.reshape(rows, columns).repeat(side, axis=0).repeat(side, axis=1)
    return grown[: shape[0], : shape[1]]


def _values(scene: xr.Dataset, modality: str) -> xr.DataArray:
    names = modality_names(scene)
    if modality not in names:
        raise SettingsError(f"there is no modality {modality}; the scene has {', '.join(names)}")
    return scene[modality]
