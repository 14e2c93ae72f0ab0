"""Augmentation of training windows, drawn once for a whole training."""

from __future__ import annotations

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from bdgf.core.settings import Settings
from bdgf.raster.patches import SYMMETRIES, WindowBatch


class AugmentationSettings(Settings):
    """Augmentation. Chosen here; the paper is silent."""

    symmetries: bool = Field(
        True, description="Turn and flip windows, scene and every feature level alike"
    )
    modality_dropout: float = Field(
        0.1, ge=0, lt=1, description="Share of samples that lose one modality, never all"
    )
    noise: float = Field(
        0.0, ge=0, description="Gaussian noise on the scene's channels, in standard deviations"
    )
    mixing: float = Field(
        1.0,
        ge=0,
        description="Parameter of the beta distribution that shares of mixed pairs are drawn "
        "from, 1 = all shares alike; 0 mixes none",
    )


def draw_symmetries(
    count: int, settings: AugmentationSettings, generator: np.random.Generator
) -> np.ndarray:
    """A symmetry of the square for each sample, (count,) int64; see `gather_windows`."""
    if not settings.symmetries:
        return np.zeros(count, np.int64)
    return generator.integers(SYMMETRIES, size=count)


def draw_modalities(
    count: int, modalities: int, settings: AugmentationSettings, generator: np.random.Generator
) -> np.ndarray:
    """Which modalities each sample keeps, (count, modalities) float32 of zeros and ones.

    A share `modality_dropout` of the samples loses one modality, all equally likely; a single
    modality is never lost.
    """
    keep = np.ones((count, modalities), np.float32)
    if modalities > 1:
        loses = generator.random(count) < settings.modality_dropout
        lost = generator.integers(modalities, size=count)
        keep[np.arange(count)[loses], lost[loses]] = 0
    return keep


def draw_shares(
    count: int, settings: AugmentationSettings, generator: np.random.Generator
) -> np.ndarray:
    """The share that each sample keeps of itself when mixed, (count,) float32 in 0.5..1."""
    if not settings.mixing:
        return np.ones(count, np.float32)
    shares = generator.beta(settings.mixing, settings.mixing, size=count)
    return np.maximum(shares, 1 - shares).astype(np.float32)


def mix_windows(batch: WindowBatch, partner: Tensor, share: Tensor) -> WindowBatch:
    """Mixes each sample of a batch with another, scene and features alike.

    Mixup (Zhang et al., ICLR 2018): of pixels that hold several materials a spectrum is nearly such
    a mixture, and between few labels the network is told to change its mind evenly.

    Args:
        batch: Windows of B samples.
        partner: (B,) int64, the sample that each is mixed with.
        share: (B,) float32, what each keeps of itself.

    Returns:
        The mixtures, features in float32, without centres; what is inside the scene is told of the
        sample itself.
    """
    own = share[:, None, None, None]  # (B, 1, 1, 1)

    def mix(windows: Tensor) -> Tensor:
        pixels = windows.permute(0, 2, 3, 1).to(share.dtype)  # as they lie in memory
        return pixels[partner].lerp_(pixels, own).permute(0, 3, 1, 2)

    return batch._replace(
        scene=mix(batch.scene), features=tuple(map(mix, batch.features)), centres=()
    )


def mix_targets(targets: Tensor, classes: int, partner: Tensor, share: Tensor) -> Tensor:
    """(B, K) float32: the shares of the classes in the mixtures of `mix_windows`.

    Args:
        targets: (B,) int64 in 0..K-1.
        classes: K.
        partner: (B,) int64.
        share: (B,) float32.
    """
    own = torch.nn.functional.one_hot(targets, classes).to(share.dtype)
    return torch.lerp(own[partner], own, share[:, None])
