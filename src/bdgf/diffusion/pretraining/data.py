"""A prepared scene as input of pretraining, and the fingerprint of the result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from bdgf import __version__
from bdgf.core.fingerprint import fingerprint
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.scenes.masks import modality_masks
from bdgf.scenes.scene import valid_mask
from bdgf.training.devices import (
    DeviceSettings,
    arithmetic,
    resolve_accelerator,
    resolve_precision,
)
from bdgf.training.rank_processes import rank_threads

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class PretrainingData:
    """A prepared scene as pretraining sees it, stacked once.

    Attributes:
        channels: (C, H, W) float32 of all modalities.
        valid: (H, W) bool.
        modalities: Channels of each modality, in the order of the stack.
        present: (M, H, W) bool, where each modality has data; None where all have it wherever
            valid.
        name: The scene's name.
        others: More scenes of the same modalities, prepared in the same way, of which tiles are
            drawn too.
    """

    channels: np.ndarray
    valid: np.ndarray
    modalities: dict[str, int]
    present: np.ndarray | None = None
    name: str = ""
    others: tuple[PretrainingData, ...] = ()

    @classmethod
    def of(cls, prepared: xr.Dataset, resident_gib: float = math.inf) -> Self:
        """Stacks a prepared scene; one of more than `resident_gib` into a file, not in memory."""
        channels, slices = stack_channels(prepared, resident_gib)
        counts = {name: part.stop - part.start for name, part in slices.items()}
        name = str(prepared.attrs.get("scene", ""))
        return cls(channels, valid_mask(prepared), counts, modality_masks(prepared), name)

    def with_others(self, others: Sequence[PretrainingData]) -> Self:
        """The same scene, and more scenes to pretrain on."""
        return replace(self, others=tuple(others))

    @property
    def scenes(self) -> tuple[PretrainingData, ...]:
        """All scenes that tiles are drawn of, this one first."""
        return (self, *self.others)

    @property
    def valid_pixels(self) -> int:
        """Valid pixels of all scenes."""
        return sum(int(scene.valid.sum()) for scene in self.scenes)

    def fingerprint(self, settings: PretrainSettings, seed: int, devices: DeviceSettings) -> str:
        """Digest of all that decides the weights; how often to log or to save does not."""
        order = list(self.modalities.items())
        where = arithmetic(resolve_accelerator(devices), rank_threads(devices))
        computed = [resolve_precision(devices), *where]
        if devices.count > 1:  # their sums round otherwise
            computed.append(devices.count)
        arrays = [array for scene in self.scenes for array in scene.arrays]
        return fingerprint(*arrays, order, settings.decisive(), seed, computed, __version__)

    @property
    def arrays(self) -> list[np.ndarray]:
        """All numbers of this scene alone."""
        masks = [] if self.present is None else [self.present]
        return [self.channels, self.valid, *masks]
