"""Steps of pretraining: memory layouts and precisions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

import torch
import xarray as xr
from torch.utils.flop_counter import FlopCounterMode

from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.diffusion.unet import load_denoiser
from bdgf.training.devices import DeviceSettings
from benchmarks.comparison import ROUNDS, Comparison
from benchmarks.machine import measured_rates
from benchmarks.scenes import base_settings, denoiser_weights, prepared_scene

STEPS = 5


def compare() -> list[Comparison]:
    """Tiles a second of pretraining with the base settings."""
    scene = prepared_scene()
    settings = base_settings("pretrain", PretrainSettings)
    names = "channels first, float32", "bdgf, bf16-mixed", "bdgf, float32"
    values: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(ROUNDS + 1):
        for name in names:
            with channels_first(name.startswith("channels first")):
                rate = tiles_a_second(scene, "bf16-mixed" if "bf16" in name else "32-true")
            if turn:
                values[name].append(rate)
    # A backward pass is two products for each of the forward pass.
    operations = 3 * forward_operations(settings.batch_size)
    return [
        Comparison(
            f"pretraining step, {settings.batch_size} tiles of {settings.tile} px, base settings",
            "tiles/s",
            values,
            more_is_better=True,
            floor=settings.batch_size * measured_rates().matrix / operations,
            bound="operations, float32",
            note="bf16-mixed (`devices.precision`) gives other weights than float32, so it is an "
            "option, not the default, on a CPU.",
        )
    ]


class Clock:
    """A metric logger that takes the time whenever something is logged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.times: list[float] = []

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Takes the time if the metric was logged."""
        if self.name in metrics:
            self.times.append(time.perf_counter())


def tiles_a_second(scene: xr.Dataset, precision: str = "32-true", steps: int = STEPS) -> float:
    """The rate of `pretrain` after its first steps."""
    settings = base_settings(
        "pretrain", PretrainSettings, steps=2 * steps, log_every=steps, validate_every=2 * steps
    )
    devices = DeviceSettings.model_validate({"accelerator": "cpu", "precision": precision})
    clock = Clock("pretrain/loss")
    pretrain(PretrainingData.of(scene), settings, 0, devices=devices, logger=clock)
    return settings.batch_size * steps / (clock.times[1] - clock.times[0])


def forward_operations(batch: int) -> int:
    """Floating-point operations of the denoiser's forward pass."""
    denoiser = load_denoiser(denoiser_weights())
    x = torch.zeros(batch, sum(denoiser.modalities.values()), denoiser.tile, denoiser.tile)
    visible = torch.ones(batch, len(denoiser.modalities), denoiser.tile, denoiser.tile)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        denoiser(x, torch.zeros(batch, dtype=torch.long), visible)
    return counter.get_total_flops()


@contextmanager
def channels_first(wanted: bool) -> Any:
    """Lets the denoiser keep PyTorch's default layout, where `wanted`."""
    if not wanted:
        yield
        return
    layout = torch.channels_last
    torch.channels_last = torch.contiguous_format
    try:
        yield
    finally:
        torch.channels_last = layout
