"""Memory per pixel of a region during feature extraction."""

from __future__ import annotations

from collections.abc import Sequence

from bdgf.diffusion.unet import Denoiser


def bytes_per_pixel(denoiser: Denoiser, levels: Sequence[int], timesteps: int) -> float:
    """Peak memory of the extraction per pixel of a region.

    Measured: the finest level holds about `peak_maps` maps of its width at once, in float32.

    Args:
        denoiser: The network.
        levels: Levels that are kept.
        timesteps: Number of timesteps that are kept.
    """
    peak_maps = 14
    inputs = 4 * sum(denoiser.modalities.values())
    kept = sum(denoiser.widths[level] / 4**level for level in levels)
    return 4 * (peak_maps * denoiser.widths[0] + inputs) + 2 * timesteps * kept
