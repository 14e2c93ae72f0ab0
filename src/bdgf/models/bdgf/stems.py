"""Stems: layers that project the channels of one position to a branch's or a guide's width.

Everything here is position-wise: a position's output depends on its own channels alone, so that
embedding a whole map and taking a patch gives what embedding the patch gives. Full-map inference
thereby embeds every pixel once instead of once per patch that holds it. Chosen here; the paper is
silent.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ModalityStem(nn.Module):
    """Embeds every modality on its own, then fuses them: (..., C) -> (..., width).

    Nothing is normalised by position: how bright or how high a place is would be lost, of a
    modality of one channel all but the sign.
    """

    def __init__(self, modalities: dict[str, int], modality_width: int, width: int) -> None:
        """Builds one 1x1 projection a modality and one for the fusion.

        Args:
            modalities: Each modality's number of channels, in the order of the channels.
            modality_width: Width of a modality's embedding.
            width: Width of the fused embedding.
        """
        super().__init__()
        self.channels = list(modalities.values())
        self.embeddings = nn.ModuleList(
            nn.Sequential(nn.Linear(count, modality_width), nn.GELU()) for count in self.channels
        )
        self.fusion = nn.Linear(modality_width * len(modalities), width)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Embeds positions.

        Args:
            x: (..., C) the channels of all modalities, one after the other.
            keep: (..., M) factors on the modalities' embeddings, broadcast over positions: 0 hides
                a modality. None keeps all.
        """
        parts = x.split(self.channels, dim=-1)
        embedded = [embed(part) for embed, part in zip(self.embeddings, parts, strict=True)]
        if keep is not None:
            embedded = [part * keep[..., i, None] for i, part in enumerate(embedded)]
        fused: Tensor = self.fusion(torch.cat(embedded, dim=-1))
        return fused


class FeatureProjection(nn.Module):
    """Standardises a level's diffusion features and projects them to the guides' width.

    All timesteps are projected together. The statistics are part of the weights: they are those of
    the feature cube that the classifier was trained with, also when it maps another scene.
    """

    mean: Tensor
    inverse_std: Tensor

    def __init__(self, channels: int, width: int, limit: float) -> None:
        """Builds the projection.

        Args:
            channels: C_l of the level.
            width: The guides' width.
            limit: Standardised features are kept within plus and minus this many deviations.
        """
        super().__init__()
        self.limit = limit
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("inverse_std", torch.ones(channels))
        self.project = nn.Sequential(nn.Linear(channels, width), nn.LayerNorm(width), nn.GELU())

    def set_moments(self, mean: Tensor, std: Tensor) -> None:
        """Takes the cube's statistics, (C_l,) float32 each; a constant channel is only centred."""
        self.mean.copy_(mean)
        self.inverse_std.copy_(torch.where(std > 0, 1 / std.clamp(min=1e-12), 1.0))

    def forward(self, features: Tensor) -> Tensor:
        """Projects (..., C_l) float16 or float32 to (..., width)."""
        standardised = (features.to(self.mean.dtype) - self.mean) * self.inverse_std
        projected: Tensor = self.project(standardised.clamp(-self.limit, self.limit))
        return projected
