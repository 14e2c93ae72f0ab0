"""Augmentation of training patches, drawn once for a whole training."""

from __future__ import annotations

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from bdgf.core.settings import Settings
from bdgf.raster.patches import SYMMETRIES, PatchBatch


class AugmentationSettings(Settings):
    """Augmentation. Chosen by this project, not the paper."""

    dihedral: bool = Field(
        True,
        description="Rotate and flip patches (dihedral group D4), scene and feature levels "
        "together",
    )
    modality_dropout: float = Field(
        0.1, ge=0, lt=1, description="Share of samples with one modality hidden, never all"
    )
    mixup_alpha: float = Field(
        1.0,
        ge=0,
        description="Mixup: alpha of the beta distribution of lambda; 0 disables mixup",
    )


def draw_dihedral(
    count: int, settings: AugmentationSettings, generator: np.random.Generator
) -> np.ndarray:
    """A symmetry of the square for each sample, (count,) int64; see `gather_cells`."""
    if not settings.dihedral:
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


def draw_lam(
    count: int, settings: AugmentationSettings, generator: np.random.Generator
) -> np.ndarray:
    """Mixup's lambda, which each sample keeps of itself: (count,) float32 in 0.5..1."""
    if not settings.mixup_alpha:
        return np.ones(count, np.float32)
    lam = generator.beta(settings.mixup_alpha, settings.mixup_alpha, size=count)
    return np.maximum(lam, 1 - lam).astype(np.float32)


def mixup_patches(batch: PatchBatch, partner: Tensor, lam: Tensor) -> PatchBatch:
    """Mixes each sample of a batch with another, scene and features alike.

    Mixup (Zhang et al., ICLR 2018): of pixels that hold several materials a spectrum is nearly such
    a mixture, and between few labels the network is told to change its mind evenly.

    Args:
        batch: Patches of B samples.
        partner: (B,) int64, the sample that each is mixed with.
        lam: (B,) float32, what each keeps of itself.

    Returns:
        The mixtures, features in float32, without centres; what is inside the scene is told of the
        sample itself.
    """
    own = lam[:, None, None, None]  # (B, 1, 1, 1)

    def mix(patches: Tensor) -> Tensor:
        pixels = patches.permute(0, 2, 3, 1).to(lam.dtype)  # as they lie in memory
        return pixels[partner].lerp_(pixels, own).permute(0, 3, 1, 2)

    return batch._replace(
        scene=mix(batch.scene), features=tuple(map(mix, batch.features)), centres=()
    )


def mixup_targets(targets: Tensor, classes: int, partner: Tensor, lam: Tensor) -> Tensor:
    """(B, K) float32: the shares of the classes in the mixtures of `mixup_patches`.

    Args:
        targets: (B,) int64 in 0..K-1.
        classes: K.
        partner: (B,) int64.
        lam: (B,) float32.
    """
    own = torch.nn.functional.one_hot(targets, classes).to(lam.dtype)
    return torch.lerp(own[partner], own, lam[:, None])
