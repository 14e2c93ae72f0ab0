"""A distilled fast network as a trained model: it maps whatever the model that taught it maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bdgf.core.errors import SettingsError
from bdgf.core.weights import Weights, read_weights, rebuild, write_weights
from bdgf.inference.fast.network import FastNetwork
from bdgf.models.base import PredictionSettings, SceneInputs
from bdgf.raster.patches import SceneTensors
from bdgf.raster.windows import Window, blocks
from bdgf.scenes.scene import valid_mask
from bdgf.training.devices import DeviceSettings, make_fabric

KIND = "fast"
_REMEDY = "distil it again"
_LEAST_SIDE = 16
_HELD = 6
"""Maps of the network's width that are in memory at a time, about."""


@dataclass(frozen=True)
class FastModel:
    """A fast network with what made it. It is a `TrainedModel`; it needs no diffusion features.

    Attributes:
        weights: The network's weights, and the configuration that rebuilds it.
    """

    reads_gaps: ClassVar[bool] = False
    weights: Weights

    @property
    def config(self) -> dict[str, Any]:
        """What made it; `patch` is the side of the window that it sees."""
        return self.weights.config

    @property
    def reach(self) -> int:
        """Radius in pixels that a pixel's class depends on, without smoothing."""
        return int(self.config["patch"]) // 2

    @property
    def report(self) -> dict[str, Any]:
        """How far it agrees with the model that taught it.

        Returns:
            `agreement`: share of the held-out pixels on which both say one class;
            `agreement_without`: the same with a modality hidden from both, by its name;
            `held_out_pixels`, `taught_pixels`; `parameters` of the network.
        """
        return {**self.config["report"], "parameters": self.config["parameters"]}

    def with_config(self, more: dict[str, Any]) -> FastModel:
        """The same with `more` in its configuration."""
        return FastModel(replace(self.weights, config={**self.config, **more}))

    def predict_map(
        self,
        inputs: SceneInputs,
        settings: PredictionSettings | None = None,
        devices: DeviceSettings | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """(K, H, W) float32 class probabilities; all 0 on pixels that are invalid or not wanted.

        Raises:
            SettingsError: The scene's modalities are not those of the training.
        """
        arrays, valid = inputs.channels, valid_mask(inputs.prepared)
        if arrays.modality_channels != self.config["modalities"]:
            raise SettingsError(
                f"the fast network was distilled on the modalities {self.config['modalities']} but "
                f"the scene has {arrays.modality_channels}; distil it again"
            )
        settings = settings or PredictionSettings()
        wanted = valid if inputs.wanted is None else valid & inputs.wanted
        fabric = make_fabric(devices)
        network = self._network.to(fabric.device)
        probabilities = np.zeros((network.classes, *valid.shape), np.float32)
        with torch.inference_mode(), fabric.autocast():
            for window in blocks(valid.shape, self._side(settings.block_megabytes)):
                asked = wanted[window.index]
                if not asked.any():
                    continue
                planes = with_margin(arrays, valid, window, network.reach)
                logits = network(*(plane.to(fabric.device) for plane in planes))[0]
                found = logits.float().softmax(-1).permute(2, 0, 1).cpu().numpy()
                probabilities[:, *window.index] = np.where(asked, found, 0)
                if progress is not None:
                    progress(int(asked.sum()))
        return probabilities

    def save(self, path: Path) -> None:
        """Writes safetensors and JSON."""
        write_weights(self.weights, path)

    @cached_property
    def _network(self) -> FastNetwork:
        return rebuild(self.weights, "a fast network", _made, _REMEDY)

    def _side(self, megabytes: int) -> int:
        # Side of the windows whose activations, margin included, fit into the memory.
        pixels = megabytes * 2**20 / (4 * _HELD * int(self.config["width"]))
        return max(int(math.sqrt(pixels)) - 2 * self.reach, _LEAST_SIDE)


def agreement_words(report: Mapping[str, Any]) -> str:
    """How far a fast network agrees with its model, in words.

    Args:
        report: What `FastModel.report` gave.
    """
    without = ", ".join(
        f"without {name} {100 * share:.1f} %" for name, share in report["agreement_without"].items()
    )
    return (
        f"agrees with the model on {100 * report['agreement']:.1f} % of "
        f"{report['held_out_pixels']:,} held-out pixels{f' ({without})' if without else ''}"
    )


def drawn_fast(report: Mapping[str, Any]) -> str:
    """The sentence of a report on a map that a fast network drew."""
    return f"Drawn by the fast network, which {agreement_words(report)}."


def read_fast_model(path: Path) -> FastModel:
    """Reads what `FastModel.save` wrote.

    Raises:
        ArtifactError: A file is missing or damaged.
    """
    return FastModel(read_weights(path, _REMEDY))


def with_margin(
    arrays: SceneTensors, valid: np.ndarray, window: Window, margin: int
) -> tuple[Tensor, Tensor, Tensor]:
    """A window and its margin as the fast network takes them; without data beyond the scene.

    Args:
        arrays: The scene's channels.
        valid: (H, W) bool.
        window: Where.
        margin: Pixels on each side.

    Returns:
        Channels (1, h, w, C), where each modality is (1, h, w, M), where any is (1, h, w, 1), all
        float32.
    """
    outer = window.grown(margin, arrays.shape)
    inner, (height, width) = window.within(outer), outer.shape
    beyond = (
        *(0, 0),
        *(margin - inner.columns.start, margin - (width - inner.columns.stop)),
        *(margin - inner.rows.start, margin - (height - inner.rows.stop)),
    )
    seen = torch.from_numpy(valid[outer.index]).float()[..., None]
    count = len(arrays.modalities)
    present = seen.expand(-1, -1, count)
    if arrays.present is not None:
        present = arrays.present[:, *outer.index].permute(1, 2, 0).float() * seen
    channels = arrays.channels[:, *outer.index].permute(1, 2, 0)
    planes = (functional.pad(plane, beyond)[None] for plane in (channels, present, seen))
    return next(planes), next(planes), next(planes)


def _made(config: dict[str, Any]) -> FastNetwork:
    return FastNetwork(
        config["modalities"], config["classes"], config["width"], config["dilations"]
    )
