"""Extractions of a small scene by a small denoiser."""

import numpy as np
import torch

from bdgf.core.weights import Weights
from bdgf.diffusion.schedule import ScheduleSettings
from bdgf.diffusion.unet import Denoiser, DenoiserSettings
from bdgf.features.extraction import FeatureSettings, extract_features
from tests.diffusion.small_scene import CHANNELS, prepared_scene

TILE = 8


def small_weights(scale=1.0):
    """A small denoiser in which every path has weight."""
    torch.manual_seed(0)
    settings = DenoiserSettings(width=8, multipliers=(1, 2), blocks=1)
    denoiser = Denoiser(settings, CHANNELS, TILE)
    with torch.no_grad():
        for parameter in denoiser.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
        denoiser.stem.weight *= scale
    config = {
        "settings": {
            "denoiser": settings.model_dump(mode="json"),
            "schedule": ScheduleSettings().model_dump(mode="json"),
            "tile": TILE,
        },
        "modalities": CHANNELS,
        "modality_order": list(CHANNELS),
    }
    return Weights(denoiser.state_dict(), config)


def extract(path, fabric, weights=None, scene=None, progress=None, normalisation=None, **chosen):
    chosen = {"timesteps": (50, 200), "halo": 24, **chosen}
    scene = prepared_scene() if scene is None else scene
    settings = FeatureSettings(**chosen)
    return extract_features(
        weights or small_weights(),
        scene,
        settings,
        path,
        fabric=fabric,
        normalisation=normalisation,
        progress=progress,
    )


def everything(cube):
    return {level: cube.read(level) for level in cube.levels}


def same(one, other):
    pairs = zip(everything(one).values(), everything(other).values(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)
