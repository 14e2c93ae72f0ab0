"""Augmentation of training windows, drawn once for a whole training."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from bdgf.scenes.windows import SYMMETRIES
from bdgf.settings_model import Settings


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
