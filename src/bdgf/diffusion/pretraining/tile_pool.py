"""Tiles of several scenes, drawn in proportion to the scenes' valid pixels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.diffusion.pretraining.tile_sampler import TileBatch, TileSource

log = logging.getLogger(__name__)


class Tiles(Protocol):
    """The source of pretraining tiles."""

    def draw(self, batch: int, generator: torch.Generator, part: slice = slice(None)) -> TileBatch:
        """Part of so many random training tiles."""
        ...

    def validation(self) -> TileBatch:
        """The held-out tiles."""
        ...


class TilePool:
    """Tiles of several scenes: each tile of a batch is of a scene that is drawn first."""

    def __init__(self, sources: Sequence[TileSource], valid_pixels: Sequence[int]) -> None:
        """Combines the scenes.

        Args:
            sources: The scenes' tiles, all of one side and on one device, all with masks of the
                modalities or none.
            valid_pixels: Valid pixels of each scene, which it is drawn in proportion to.
        """
        self._sources = list(sources)
        self._weights = torch.tensor(valid_pixels, dtype=torch.float64)

    def draw(self, batch: int, generator: torch.Generator, part: slice = slice(None)) -> TileBatch:
        """Random training tiles of all scenes.

        Each scene is asked for a whole batch, of which those tiles count whose turn it is. To ask
        for its share alone, the device would have to tell the host how large that is, at each step.

        Args:
            batch: Number of tiles B.
            generator: Random generator on the device.
            part: Those of them that are gathered; all are drawn.
        """
        weights = self._weights.to(generator.device, torch.float32)
        which = torch.multinomial(weights, batch, replacement=True, generator=generator)
        drawn = [source.draw(batch, generator, part) for source in self._sources]
        which = which[part]
        turn = torch.arange(len(which), device=which.device)

        def chosen(planes: Sequence[Tensor]) -> Tensor:
            taken = torch.stack(list(planes))[which, turn]
            return taken.contiguous(memory_format=torch.channels_last)

        return _together(drawn, chosen)

    def validation(self) -> TileBatch:
        """The held-out tiles of all scenes that are large enough to hold some out."""
        held = [source for source in self._sources if source.held_out.any()] or self._sources
        return _together([source.validation() for source in held], _joined)


def tiles_of(
    data: PretrainingData, settings: PretrainSettings, device: torch.device | str = "cpu"
) -> Tiles:
    """The tiles of one scene, or of several together.

    Args:
        data: The scene or scenes.
        settings: Size of a tile, what is held out, how much of a tile has data.
        device: Where tiles are gathered.

    Raises:
        SceneError: No pixel of a scene is valid.
    """
    scenes = data.scenes
    masked = any(scene.present is not None for scene in scenes)
    sources = [
        TileSource(
            scene.channels,
            scene.valid,
            settings.tile,
            held_out_share=settings.held_out,
            least_valid=settings.least_valid,
            device=device,
            present=_present(scene) if masked else None,
        )
        for scene in scenes
    ]
    if len(sources) == 1:
        return sources[0]
    pixels = [int(scene.valid.sum()) for scene in scenes]
    told = (f"{s.name} ({count:,} pixels)" for s, count in zip(scenes, pixels, strict=True))
    log.info("pretraining on %s", ", ".join(told))
    return TilePool(sources, pixels)


def _present(scene: PretrainingData) -> np.ndarray:
    """(M, H, W) bool, also where all modalities have data wherever valid."""
    if scene.present is not None:
        return scene.present
    return np.broadcast_to(scene.valid, (len(scene.modalities), *scene.valid.shape))


def _joined(planes: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(planes))


def _together(
    batches: Sequence[TileBatch], join: Callable[[Sequence[Tensor]], Tensor]
) -> TileBatch:
    present = [batch.present for batch in batches if batch.present is not None]
    return TileBatch(
        join([batch.x0 for batch in batches]),
        join([batch.valid for batch in batches]),
        join(present) if present else None,
    )
