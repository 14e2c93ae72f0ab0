"""Dense feature extraction beside one U-Net pass per pixel; the seams between tiles."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch.utils.flop_counter import FlopCounterMode

from bdgf.core.weights import Weights
from bdgf.diffusion.schedule import NoiseSchedule, ScheduleSettings
from bdgf.diffusion.unet import decoder_features, load_denoiser
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.training.devices import make_fabric
from benchmarks.comparison import Comparison, interleave, rates
from benchmarks.machine import measured_rates
from benchmarks.scenes import base_settings, denoiser_weights, prepared_scene

TIMESTEP, SAMPLE, BATCH = 100, 128, 64
TARGET = 300


def compare() -> list[Comparison]:
    """Pixels a second of one timestep, all decoder levels."""
    weights, scene = denoiser_weights(), prepared_scene()
    pixels = scene.sizes["y"] * scene.sizes["x"]
    settings = base_settings("features", FeatureSettings, timesteps=(TIMESTEP,))
    fabric, number = make_fabric(), itertools.count()
    with tempfile.TemporaryDirectory() as folder:

        def dense() -> None:
            path = Path(folder) / f"{next(number)}.h5"  # a cube that is there would be reused
            extract_features(weights, scene, settings, path, fabric=fabric)
            path.unlink()

        one, many = "one 32x32 pass a pixel", "bdgf, dense, to the HDF5 cache"
        seconds = interleave({one: one_pass_a_pixel(weights, scene), many: dense})
    return [
        Comparison(
            f"feature extraction, one timestep, {scene.sizes['y']}x{scene.sizes['x']} px",
            "pixels/s",
            rates(seconds, {one: SAMPLE, many: pixels}),
            more_is_better=True,
            floor=pixels * measured_rates().matrix / dense_operations(weights, scene),
            bound="operations",
            target=TARGET,
            note=f"One pass a pixel is timed on {SAMPLE} pixels in batches of {BATCH}, without "
            "reading or writing any file. The dense row is the whole of it: reading, noise, "
            "calibration of the normalisation, the network, float16, HDF5. Its floor counts one "
            "pass of the network.",
        )
    ]


def one_pass_a_pixel(weights: Weights, scene: xr.Dataset) -> Callable[[], object]:
    """The peers' way: a tile around each pixel, one pass, its centre kept."""
    denoiser = load_denoiser(weights)
    schedule = NoiseSchedule(
        ScheduleSettings.model_validate(weights.config["settings"]["schedule"]), "cpu"
    )
    channels, slices = stack_channels(scene)
    radius = denoiser.tile // 2
    padded = torch.from_numpy(
        np.pad(channels, ((0, 0), (radius, radius), (radius, radius)), "reflect")
    )
    rng = np.random.default_rng(0)
    corners = np.stack([rng.integers(side, size=SAMPLE) for side in channels.shape[1:]], 1)
    visible = torch.ones(BATCH, len(slices), denoiser.tile, denoiser.tile)
    t = torch.full((BATCH,), TIMESTEP)
    levels = range(denoiser.settings.levels)

    @torch.inference_mode()
    def run() -> None:
        for start in range(0, SAMPLE, BATCH):
            tiles = torch.stack(
                [
                    padded[:, r : r + denoiser.tile, c : c + denoiser.tile]
                    for r, c in corners[start : start + BATCH]
                ]
            )
            x_t = schedule.q_sample(tiles, torch.randn_like(tiles), t)
            for maps in decoder_features(denoiser, x_t, t, visible, levels).values():
                maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2].half()

    return run


def dense_operations(weights: Weights, scene: xr.Dataset) -> int:
    """Floating-point operations of one dense pass."""
    denoiser = load_denoiser(weights)
    shape = scene.sizes["y"], scene.sizes["x"]
    x = torch.zeros(1, sum(denoiser.modalities.values()), *shape)
    visible = torch.ones(1, len(denoiser.modalities), *shape)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        decoder_features(
            denoiser, x, torch.tensor([TIMESTEP]), visible, range(denoiser.settings.levels)
        )
    return counter.get_total_flops()
