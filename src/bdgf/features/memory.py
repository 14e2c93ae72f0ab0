"""Memory of feature extraction, and the largest blocks that fit into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bdgf.diffusion.blocks import CONVOLUTIONS
from bdgf.diffusion.unet import Denoiser

_REGION_MAPS, _CORE_MAPS = 6, 8
"""Measured: maps of the finest level's width that are held at once, float32. The encoder holds its
own for each pixel of the region, the decoder for each pixel whose features are wanted."""


@dataclass(frozen=True)
class ExtractionMemory:
    """What an extraction takes.

    Attributes:
        denoiser: The network.
        levels: Levels that are kept.
        timesteps: Number of timesteps that are kept.
    """

    denoiser: Denoiser
    levels: Sequence[int]
    timesteps: int

    def peak(self, region: float, core: float) -> float:
        """Bytes at the peak.

        Args:
            region: Pixels that the encoder sees.
            core: Pixels whose features are wanted.
        """
        inputs, width = sum(self.denoiser.modalities.values()), self.denoiser.widths[0]
        cells = sum(self.denoiser.widths[level] / 4**level for level in self.levels)
        seen = 4 * (_REGION_MAPS * width + inputs)
        wanted = 4 * _CORE_MAPS * width + 2 * self.timesteps * cells
        return region * seen + core * wanted

    @property
    def per_pixel(self) -> float:
        """Bytes for each pixel of a region whose features are all wanted."""
        return self.peak(1, 1)

    def block_side(self, memory: float, *, margin: int = 0, halo: int = 0) -> int:
        """Side of the largest square block that fits, in pixels.

        Args:
            memory: Bytes.
            margin: Pixels around a block whose features are wanted too.
            halo: Pixels around those that the encoder sees besides.

        Returns:
            A multiple of the denoiser's tile, at least one.
        """
        tile = self.denoiser.tile
        reach = min(CONVOLUTIONS * self.denoiser.settings.blocks, halo)

        def taken(side: int) -> float:
            core = side + 2 * margin
            return self.peak((core + 2 * halo) ** 2, (core + 2 * reach) ** 2)

        side = tile
        while taken(side + tile) <= memory:
            side += tile
        return side
