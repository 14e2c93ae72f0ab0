"""Diffusion features as what the branches learn from, not as what they read."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bdgf.raster.interpolation import interpolate_cells
from bdgf.raster.patches import SceneTensors

_LIMIT = 8.0  # standard deviations; single wild cells would decide a batch's similarity


@dataclass(frozen=True)
class FeatureTargets:
    """The features at the pixels of a batch.

    Attributes:
        arrays: The scene and its features.
        valid: `level_valid` of the scene's valid pixels, of every level of features.
    """

    arrays: SceneTensors
    valid: tuple[Tensor, ...]

    def at(self, rows: Tensor, cols: Tensor) -> list[Tensor]:
        """Each level's features at pixels, standardised.

        Args:
            rows: (B,) int64.
            cols: (B,) int64.

        Returns:
            Per level (B, C_l) float32; the mean, 0, where a modality has no data.
        """
        arrays = self.arrays
        found = []
        for level, features in enumerate(arrays.features):
            complete = None if arrays.complete is None else arrays.complete[level][0]
            values = interpolate_cells(
                *(features.permute(1, 2, 0), self.valid[level][0], rows, cols, level),
                complete=complete,
            )
            spread = arrays.feature_std[level]
            values = (values - arrays.feature_mean[level]) / torch.where(spread > 0, spread, 1.0)
            if complete is not None:
                values = values * complete[rows >> level, cols >> level][:, None]
            found.append(values.clamp(-_LIMIT, _LIMIT))
        return found


def mixup_features(features: list[Tensor], partner: Tensor, lam: Tensor) -> list[Tensor]:
    """The features of the mixtures of `mixup_patches`.

    Args:
        features: Per level (B, C_l).
        partner: (B,) int64, the sample that each is mixed with.
        lam: (B,) float32, what each keeps of itself.
    """
    return [torch.lerp(level[partner], level, lam[:, None]) for level in features]
