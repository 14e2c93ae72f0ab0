"""Principal components of diffusion features: what few labels can be fitted on.

A level has some hundred channels, most of them alike. Its leading components, each of unit
variance, are fitted on the scene without labels (`bdgf.models.bdgf.classical.fit`). Chosen here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bdgf.training.devices import as_float64

_LIMIT = 8.0
"""Components are kept within plus and minus this many deviations."""


class FeatureComponents(nn.Module):
    """Leading principal components of each level's features, of unit variance; position-wise.

    Attributes:
        widths: Components of each level.
    """

    def __init__(self, level_channels: tuple[int, ...], most: int) -> None:
        """Builds it with projections of zero.

        Args:
            level_channels: C_l of each level.
            most: Most components of a level.
        """
        super().__init__()
        self.widths = tuple(min(most, channels) for channels in level_channels)
        for level, (channels, width) in enumerate(zip(level_channels, self.widths, strict=True)):
            self.register_buffer(f"mean_{level}", torch.zeros(channels))
            self.register_buffer(f"projection_{level}", torch.zeros(channels, width))

    @property
    def count(self) -> int:
        """Components of all levels."""
        return sum(self.widths)

    @torch.no_grad()
    def fit(self, level: int, cells: Tensor) -> None:
        """Takes the components of features (n, C_l), n at least 1, each channel standardised."""
        cells = as_float64(cells)
        mean, std = cells.mean(0), cells.std(0, correction=0)
        inverse = torch.where(std > 1e-6, 1 / std.clamp(min=1e-6), 0.0)
        standardised = (cells - mean) * inverse
        variances, axes = torch.linalg.eigh(standardised.T @ standardised / len(cells))
        width = self.widths[level]
        variances, axes = variances.flip(0)[:width], axes.flip(1)[:, :width]
        # An axis is known but for its sign: the largest entry is positive.
        largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
        axes = axes * torch.where(largest < 0, -1.0, 1.0)
        # What has no variance to speak of stays small.
        scale = variances.clamp(min=max(1e-6 * float(variances[0]), 1e-12)).rsqrt()
        self.get_buffer(f"mean_{level}").copy_(mean)
        self.get_buffer(f"projection_{level}").copy_(inverse[:, None] * axes * scale)

    def forward(self, level: int, features: Tensor) -> Tensor:
        """(..., width) float32 components of a level's features (..., C_l), not yet limited."""
        mean, projection = self.get_buffer(f"mean_{level}"), self.get_buffer(f"projection_{level}")
        with torch.autocast(features.device.type, enabled=False):
            components: Tensor = (features.float() - mean) @ projection
            return components

    @staticmethod
    def limit(components: Tensor) -> Tensor:
        """The same, kept within a few deviations."""
        return components.clamp(-_LIMIT, _LIMIT)
