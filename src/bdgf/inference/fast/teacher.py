"""What a trained model teaches its fast network: its probabilities on tiles of its scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional

from bdgf.features.prepared_window import classifier_reach, read_window
from bdgf.features.scene_tensors import scene_tensors
from bdgf.inference.fast.model import with_margin
from bdgf.inference.predict import predict_core
from bdgf.inference.settings import InferenceSettings
from bdgf.inference.window_step import PROBABILITIES, WindowStep
from bdgf.models.base import SceneInputs
from bdgf.raster.windows import Window, blocks
from bdgf.scenes.masks import hide_modalities
from bdgf.scenes.scene import modality_names, valid_mask
from bdgf.scenes.scene_windows import DatasetWindows

if TYPE_CHECKING:
    from bdgf.features.source import FeatureSource
    from bdgf.inference.window_step import Guidance, Prepares
    from bdgf.models.base import TrainedModel
    from bdgf.scenes.scene_windows import SceneWindows
    from bdgf.training.devices import DeviceSettings

_ACROSS = 6
"""Blocks along the shorter side of a small scene."""
_LEAST_SIDE, _MOST_SIDE = 16, 64
"""Side of a block in pixels."""
_TILE = 96
"""Side of a tile of several blocks at most: small tiles spread over more of a scene, large ones
share more work."""


@dataclass(frozen=True)
class Lesson:
    """A tile as the network sees it and what the model says of it.

    Attributes:
        window: Where.
        planes: Channels (h + 2r, w + 2r, C), presence (..., M) and validity (..., 1), float32.
        said: (h, w, K) float32 probabilities, 0 where there is no data.
        modalities: Channels of each modality, in order.
    """

    window: Window
    planes: tuple[Tensor, Tensor, Tensor]
    said: Tensor
    modalities: dict[str, int]

    @property
    def known(self) -> Tensor:
        """(h, w) bool, the pixels that the model classified."""
        return self.said.sum(-1) > 0

    def padded(self, side: int) -> Lesson:
        """The lesson as one of a tile of side `side`: what is added has no data."""
        beyond = (0, 0, 0, side - self.said.shape[1], 0, side - self.said.shape[0])
        first, second, third = (functional.pad(plane, beyond) for plane in self.planes)
        return replace(self, planes=(first, second, third), said=functional.pad(self.said, beyond))


class AsPrepared:
    """Stands for the preparation of a scene that is prepared already."""

    def apply(self, scene: xr.Dataset, *, may_lack: bool = False) -> xr.Dataset:
        """The scene in memory, as it is."""
        return scene.load()


@dataclass(frozen=True)
class Teacher:
    """A trained model on its scene.

    Attributes:
        source: The scene, as `preparation` takes it.
        preparation: Makes its channels.
        classifier: The model.
        guidance: Makes its diffusion features, for a classifier that uses them.
        cube: The scene's features, where they were made already; they are not made again.
        devices: Where to compute.
    """

    source: SceneWindows
    preparation: Prepares
    classifier: TrainedModel
    guidance: Guidance | None
    cube: FeatureSource | None = None
    devices: DeviceSettings | None = None

    @classmethod
    def of_prepared(
        cls,
        prepared: xr.Dataset,
        classifier: TrainedModel,
        guidance: Guidance | None,
        cube: FeatureSource | None = None,
        devices: DeviceSettings | None = None,
    ) -> Teacher:
        """A model on a scene that is prepared already; it may stay in its file."""
        return cls(DatasetWindows(prepared), AsPrepared(), classifier, guidance, cube, devices)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities' names."""
        return tuple(self.source.modalities)

    @property
    def block(self) -> int:
        """Side in pixels of the blocks that tiles consist of."""
        return min(max(min(self.source.shape) // _ACROSS, _LEAST_SIDE), _MOST_SIDE)

    @property
    def tile(self) -> int:
        """Side of the tiles in pixels."""
        return _TILE // self.block * self.block

    def tiles(self, rng: np.random.Generator) -> Iterator[Window]:
        """The tiles of the scene in random order."""
        cut = list(blocks(self.source.shape, self.tile))
        for number in rng.permutation(len(cut)):
            yield cut[number]

    def lesson(self, window: Window, margin: int, hidden: tuple[str, ...] = ()) -> Lesson | None:
        """What the model says of a tile; None where no pixel has data.

        Args:
            window: The tile.
            margin: Pixels around it that the network looks at.
            hidden: Modalities that neither sees.
        """
        outer = window.grown(margin, self.source.shape)
        scene = self.source.read(outer)
        there = [name for name in hidden if name in modality_names(scene)]
        prepared = self.preparation.apply(hide_modalities(scene, there), may_lack=True)
        valid, inner = valid_mask(prepared), window.within(outer)
        if not valid[inner.index].any():
            return None
        arrays = scene_tensors(prepared)
        planes = with_margin(arrays, valid, inner, margin)
        said = torch.from_numpy(np.moveaxis(self._said(window, hidden), 0, -1).copy())
        return Lesson(
            window, (planes[0][0], planes[1][0], planes[2][0]), said, arrays.modality_channels
        )

    def _said(self, window: Window, hidden: tuple[str, ...]) -> np.ndarray:
        # (K, h, w) probabilities.
        inference = InferenceSettings(hide=hidden)
        if self.cube is not None and not hidden:
            reach = classifier_reach(int(self.classifier.config["patch"]), self.cube.levels)
            prepared = self.source.read(Window.of_shape(self.source.shape))
            read = read_window(prepared, self.cube, window, reach)
            inputs = SceneInputs(read.prepared, read.features)
            return predict_core(self.classifier, inputs, read.core, inference, self.devices)
        step = WindowStep(
            *(self.source, self.preparation, self.classifier, self.guidance),
            *(inference, self.devices, (PROBABILITIES,)),
        )
        return step(window)[PROBABILITIES]
