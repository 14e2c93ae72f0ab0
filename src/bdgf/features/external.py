"""External feature cubes: features of any model, in the layout that training reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.core.fingerprint import fingerprint
from bdgf.features.cube import FeatureCube
from bdgf.features.cube_writer import CubeLayout, FeatureCubeWriter

if TYPE_CHECKING:
    import xarray as xr


def write_feature_cube(
    path: Path, features: Mapping[int, np.ndarray], valid: np.ndarray, scene: str
) -> FeatureCube:
    """Writes a cube of features that were computed elsewhere.

    Args:
        path: The cube's file.
        features: Level -> (C_l, ceil(H / 2**l), ceil(W / 2**l)) finite numbers, kept as float16.
        valid: (H, W) bool, the pixels that count in the channels' statistics.
        scene: The scene's name.

    Returns:
        The complete cube.

    Raises:
        SceneError: A level has another size, or a number is not finite in float16.
    """
    kept = {level: np.asarray(values, np.float16) for level, values in features.items()}
    for level, values in kept.items():
        size = tuple(-(-side // 2**level) for side in valid.shape)
        if values.ndim != 3 or values.shape[1:] != size:
            raise SceneError(
                f"level {level} of the features has the shape {values.shape}; it must have "
                f"(channels, {size[0]}, {size[1]}) on a scene of {valid.shape} pixels"
            )
        if not np.isfinite(values).all():
            raise SceneError(f"level {level} of the features holds numbers beyond float16's range")
    layout = CubeLayout(
        fingerprint=fingerprint(*(kept[level] for level in sorted(kept)), valid),
        scene=scene,
        shape=(valid.shape[0], valid.shape[1]),
        timesteps=(),
        channels={level: len(values) for level, values in kept.items()},
        tiles=1,
    )
    writer = FeatureCubeWriter(path, layout)
    cells = {level: _any_valid(valid, 2**level) for level in kept}
    writer.write(0, (0, 0), kept, cells)
    writer.finish()
    return FeatureCube(path)


def external_cube(path: Path, prepared: xr.Dataset) -> FeatureCube:
    """An external cube, checked against the scene.

    Args:
        path: The cube's file.
        prepared: The prepared scene.

    Raises:
        MissingArtifactError: There is no such file.
        SceneError: It is damaged, incomplete, or of a scene of another size.
    """
    cube = FeatureCube(path, digest_required=False)  # another program may have written it
    shape = (prepared.sizes["y"], prepared.sizes["x"])
    if cube.shape != shape:
        raise SceneError(
            f"the feature cube {path} is of a scene of {cube.shape} pixels, this one has {shape}; "
            "set features.external to a cube of this scene"
        )
    return cube


def _any_valid(valid: np.ndarray, cell: int) -> np.ndarray:
    rows, columns = (-(-side // cell) for side in valid.shape)
    padded = np.zeros((rows * cell, columns * cell), bool)
    padded[: valid.shape[0], : valid.shape[1]] = valid
    return np.asarray(padded.reshape(rows, cell, columns, cell).any(axis=(1, 3)))
