"""A pixel's channels and diffusion features, for estimators on pretrained features.

What few labels can make of the features by themselves, as in DDPM-seg (Baranchuk et al., ICLR
2022), with a forest in the place of its small networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from bdgf.core.errors import MissingArtifactError
from bdgf.features.source import FeatureSource
from bdgf.models.sklearn.feature_source import PixelReader
from bdgf.models.sklearn.pixel_features import seen_channels
from bdgf.raster.interpolation import interpolate_cells
from bdgf.raster.patches import level_valid
from bdgf.scenes.scene import valid_mask


@dataclass(frozen=True)
class ChannelsAndDiffusion:
    """The pixel's channels, and all features of every level, interpolated between its cells.

    Nothing is fitted, and nothing scaled: a tree does not ask for it.

    Attributes:
        averages: Whether averages of adjacent bands are among the channels.
    """

    averages: bool = False

    patch: int = 1

    def table(self, prepared: xr.Dataset, cube: FeatureSource | None) -> PixelReader:
        """Reads a scene and its features; of these the rows that hold the wanted pixels.

        Raises:
            MissingArtifactError: There are no features.
        """
        if cube is None:
            raise MissingArtifactError(
                "the forest on diffusion features needs some; run `kedro run --pipeline=features`"
            )
        channels = seen_channels(prepared, self.averages)
        valid = level_valid(torch.from_numpy(valid_mask(prepared)), max(cube.levels) + 1)

        def describe(wanted: np.ndarray) -> np.ndarray:
            rows, cols = np.nonzero(wanted)
            at = torch.from_numpy(rows), torch.from_numpy(cols)
            levels = [_at_pixels(cube, level, valid[level][0], *at) for level in cube.levels]
            return np.concatenate([channels[:, rows, cols].T, *levels], axis=1)

        return describe

    def state(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


def _at_pixels(
    cube: FeatureSource, level: int, valid: Tensor, rows: Tensor, cols: Tensor
) -> np.ndarray:
    # (N, C_l) float32 of pixels in row-major order; the cells above and below take part.
    first = max((int(rows[0]) >> level) - 1, 0)
    stop = min((int(rows[-1]) >> level) + 2, valid.shape[0])
    maps = torch.from_numpy(cube.read(level, slice(first, stop))).permute(1, 2, 0).contiguous()
    return interpolate_cells(maps, valid[first:stop], rows, cols, level, first).numpy()
