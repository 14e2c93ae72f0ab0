"""A trained model's map of one window, including the margin that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import xarray as xr

from bdgf.diffusion.schedule import NoiseSchedule, ScheduleSettings
from bdgf.diffusion.unet import Denoiser, load_denoiser
from bdgf.evaluation.maps import class_map, entropy_map
from bdgf.evaluation.prediction_sets import set_size_map
from bdgf.features.block_extractor import TileExtractor
from bdgf.features.noise_field import NoiseField
from bdgf.features.prepared_window import classifier_reach
from bdgf.features.source import WindowFeatures
from bdgf.inference.predict import predict_core
from bdgf.inference.prediction_sets import set_rule
from bdgf.inference.smoothing import smoothing_reach
from bdgf.models.base import SceneInputs
from bdgf.raster.blocks import FeatureTile
from bdgf.raster.windows import Window, round_up
from bdgf.scenes.masks import hide_modalities, modality_masks
from bdgf.scenes.scene import modality_names, valid_mask
from bdgf.training.allocator import release_freed_memory
from bdgf.training.devices import make_fabric

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from bdgf.core.weights import Weights
    from bdgf.features.extraction import FeatureSettings
    from bdgf.inference.settings import InferenceSettings
    from bdgf.models.base import TrainedModel
    from bdgf.scenes.scene_windows import SceneWindows
    from bdgf.training.devices import DeviceSettings

CLASS_MAP, UNCERTAINTY_MAP, PROBABILITIES = "class_map", "uncertainty_map", "probabilities"
SET_SIZE_MAP = "set_size_map"
"""The layers of a map; sizes of prediction sets where their coverage is set."""


class Prepares(Protocol):
    """Makes the channels of a scene, as `Preparation` does."""

    def apply(self, scene: xr.Dataset, *, may_lack: bool = False) -> xr.Dataset:
        """The prepared scene, in memory."""
        ...


@dataclass(frozen=True)
class Guidance:
    """Computes the diffusion features of any raster.

    Attributes:
        denoiser: The pretrained denoiser.
        settings: Which features.
        levels: The levels that are taken, finest first.
        normalisation: (timesteps, 2, groups) float32, frozen on the scene of the training.
    """

    denoiser: Weights
    settings: FeatureSettings
    levels: Sequence[int]
    normalisation: np.ndarray

    @property
    def tile(self) -> int:
        """Side of the attention's windows in pixels, to which regions are aligned."""
        return int(self.denoiser.config["settings"]["tile"])

    @property
    def halo(self) -> int:
        """Margin in pixels that the denoiser needs around a window, a multiple of the tile."""
        return round_up(self.settings.halo, self.tile)


@dataclass(frozen=True)
class WindowStep:
    """Computes the layers of a map in a window; they do not depend on the choice of windows.

    Attributes:
        source: What is mapped.
        preparation: Makes its channels.
        classifier: Classifies them.
        guidance: Makes its diffusion features, for a classifier that uses them.
        inference: How a map is drawn.
        devices: Where to compute.
        layers: Names of the layers that are wanted.
    """

    source: SceneWindows
    preparation: Prepares
    classifier: TrainedModel
    guidance: Guidance | None
    inference: InferenceSettings
    devices: DeviceSettings | None = None
    layers: tuple[str, ...] = (CLASS_MAP, UNCERTAINTY_MAP)

    @property
    def alignment(self) -> int:
        """Rows and columns of a region start at a multiple of this number."""
        return self.guidance.tile if self.guidance else 1

    @property
    def reach(self) -> int:
        """Margin in pixels that is prepared around a window, a multiple of the alignment."""
        levels = self.guidance.levels if self.guidance else ()
        patch = int(self.classifier.config["patch"])
        reach = classifier_reach(patch, levels) + smoothing_reach(self.inference.smoothing)
        return round_up(reach, self.alignment)

    @property
    def halo(self) -> int:
        """Additional margin in pixels for the denoiser."""
        return self.guidance.halo if self.guidance else 0

    def __call__(self, window: Window) -> dict[str, np.ndarray]:
        """The layers of a window.

        Args:
            window: Where.

        Returns:
            `class_map` (h, w) uint8, 0 = no data; `uncertainty_map` (h, w) float32, NaN = no data;
            `probabilities` (K, h, w) float32, 0 = no data; `set_size_map` (h, w) uint8, 0 = no
            data; those that are wanted.

        Raises:
            SceneError: The source cannot be read, or is not what the model was made for.
        """
        shape = self.source.shape
        need = self._aligned(window, self.reach)
        region = need.grown(self.halo, shape)
        scene = self._seen(region)
        inner, core = need.within(region), window.within(need)
        valid = valid_mask(scene)[inner.index][core.index]
        count = int(self.classifier.config["classes"])
        probabilities = np.zeros((count, *window.shape), np.float32)
        if valid.any():
            prepared = self.preparation.apply(scene, may_lack=True)
            part = prepared.isel(y=inner.rows, x=inner.columns)
            inputs = SceneInputs(part, self._features(prepared, region, inner))
            probabilities = predict_core(
                self.classifier, inputs, core, self.inference, self.devices
            )
        made = {
            CLASS_MAP: lambda: class_map(probabilities, valid),
            UNCERTAINTY_MAP: lambda: entropy_map(probabilities, valid),
            PROBABILITIES: lambda: probabilities,
            SET_SIZE_MAP: lambda: self._set_sizes(probabilities, valid),
        }
        return {name: made[name]() for name in self.layers}

    def _set_sizes(self, probabilities: np.ndarray, valid: np.ndarray) -> np.ndarray:
        rule = set_rule(self.classifier.config, self.inference)
        assert rule is not None
        return set_size_map(probabilities, valid, rule.threshold)

    def _seen(self, region: Window) -> xr.Dataset:
        # The scene without what is hidden; what it lacks of that need not be hidden.
        scene = self.source.read(region)
        there = modality_names(scene)
        return hide_modalities(scene, [name for name in self.inference.hide if name in there])

    def _aligned(self, window: Window, reach: int) -> Window:
        """The window and its reach, from a multiple of the alignment to one, or to the end."""
        step = self.alignment

        def span(part: slice, length: int) -> slice:
            start = (part.start - reach) // step * step
            return slice(max(start, 0), min(round_up(part.stop + reach, step), length))

        shape = self.source.shape
        return Window(span(window.rows, shape[0]), span(window.columns, shape[1]))

    def _features(
        self, prepared: xr.Dataset, region: Window, inner: Window
    ) -> WindowFeatures | None:
        if self.guidance is None:
            return None
        if not self.classifier.reads_gaps and not _any_complete(prepared, inner):
            return self._no_features(inner.shape)
        # Beyond the raster's lower and right edges a region goes on to whole windows of attention.
        rows, columns = (slice(0, round_up(side, self.alignment)) for side in region.shape)
        tile = FeatureTile(inner.rows, inner.columns, rows, columns)
        # Before and after: denoiser and classifier seldom fit where the other's tensors lay.
        release_freed_memory()
        maps, _ = self._extractor(prepared, region).features(tile, self.guidance.normalisation)
        release_freed_memory()
        return WindowFeatures(inner.shape, maps)

    def _no_features(self, shape: tuple[int, int]) -> WindowFeatures:
        assert self.guidance is not None
        times, widths = len(self.guidance.settings.timesteps), self.denoiser.widths

        def empty(level: int) -> np.ndarray:
            sides = (-(-side // 2**level) for side in shape)
            return np.zeros((times * widths[level], *sides), np.float16)

        return WindowFeatures(shape, {level: empty(level) for level in self.guidance.levels})

    def _extractor(self, prepared: xr.Dataset, region: Window) -> TileExtractor:
        assert self.guidance is not None
        settings, denoiser = self.guidance.settings, self.denoiser
        noise = NoiseField(
            sum(denoiser.modalities.values()),
            settings.noise_seed,
            settings.noise,
            corner=(region.rows.start, region.columns.start),
        )
        return TileExtractor(
            denoiser,
            self._schedule,
            prepared,
            settings.timesteps,
            self.guidance.levels,
            noise,
            self._fabric,
        )

    @cached_property
    def _fabric(self) -> Fabric:
        return make_fabric(self.devices)

    @cached_property
    def denoiser(self) -> Denoiser:
        """The denoiser of the guidance, on the device."""
        assert self.guidance is not None
        return load_denoiser(self.guidance.denoiser, self._fabric.device)

    @cached_property
    def _schedule(self) -> NoiseSchedule:
        assert self.guidance is not None
        schedule = self.guidance.denoiser.config["settings"]["schedule"]
        return NoiseSchedule(ScheduleSettings.model_validate(schedule), self._fabric.device)


def _any_complete(prepared: xr.Dataset, inner: Window) -> bool:
    # Whether all modalities have data on a pixel of the window.
    masks = modality_masks(prepared)
    return masks is None or bool(np.logical_and.reduce(masks)[inner.index].any())


def empty_layers(
    shape: tuple[int, int],
    classes: int,
    layers: Sequence[str] = (CLASS_MAP, UNCERTAINTY_MAP, PROBABILITIES),
) -> dict[str, np.ndarray]:
    """The layers of a map without data.

    Args:
        shape: (H, W).
        classes: The number K of classes.
        layers: Names of the layers.
    """
    made: dict[str, np.ndarray] = {
        CLASS_MAP: np.zeros(shape, np.uint8),
        UNCERTAINTY_MAP: np.full(shape, np.nan, np.float32),
        SET_SIZE_MAP: np.zeros(shape, np.uint8),
        PROBABILITIES: np.zeros((classes, *shape), np.float32),
    }
    return {name: made[name] for name in layers}
