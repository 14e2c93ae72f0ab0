"""Scenes and weights to measure on: the sizes of real ones, fabricated values."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import numpy as np
import torch
import xarray as xr
import yaml
from scipy.ndimage import gaussian_filter

from bdgf.core.settings import Settings
from bdgf.core.weights import Weights
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.diffusion.unet import Denoiser
from bdgf.inference.fast.model import FastModel
from bdgf.inference.fast.network import CONTEXT, FastNetwork, dilations
from bdgf.inference.fast.settings import DistilSettings
from bdgf.models.bdgf.classifier import Classifier
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.raster.patches import SceneTensors
from benchmarks.children import ROOT

# Sentinel-2, Sentinel-1 and elevation, as the scene `coast` has them; prepared channels.
COAST = {"optical": 12, "sar": 2, "elevation": 1}
COAST_SHAPE, COAST_CLASSES = (224, 224), 7

SettingsT = TypeVar("SettingsT", bound=Settings)


def base_settings(
    group: str, model: type[SettingsT], environment: str = "base", **changes: Any
) -> SettingsT:
    """The settings that a user gets.

    Args:
        group: Of the parameters.
        model: Its model.
        environment: `base`, or one on top of it, as `kedro run --env` takes it.
        changes: Values in place of the first level's.
    """
    found: dict[str, Any] = {}
    for folder in dict.fromkeys(("base", environment)):
        for path in sorted((ROOT / "conf" / folder).glob("parameters_*.yml")):
            found = _merged(found, yaml.safe_load(path.read_text()).get(group, {}))
    return model.model_validate(found | changes)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = below.keys() & above.keys()
    nested = {k: _merged(below[k], above[k]) for k in both if isinstance(above[k], dict)}
    return below | above | nested


def prepared_scene(
    shape: tuple[int, int] = COAST_SHAPE, channels: dict[str, int] | None = None, seed: int = 0
) -> xr.Dataset:
    """A prepared scene of smooth fields and noise, every pixel valid.

    Args:
        shape: (H, W).
        channels: Channels of each modality.
        seed: Of its values.
    """
    channels = channels or COAST
    rng = np.random.default_rng(seed)
    ground = gaussian_filter(rng.standard_normal((4, *shape), np.float32), (0, 3, 3))
    ground /= ground.std()
    variables: dict[str, Any] = {"valid": (("y", "x"), np.ones(shape, np.uint8))}
    for name, count in channels.items():
        mixed = np.empty((count, *shape), np.float32)
        for band, weights in zip(mixed, rng.standard_normal((count, 4), np.float32), strict=True):
            band[:] = np.tensordot(weights, ground, 1) / 2
            band += 0.3 * rng.standard_normal(shape, np.float32)
        variables[name] = ((f"band_{name}", "y", "x"), mixed, {"kind": "auxiliary"})
    attributes = {"scene": "fabricated", "modalities": json.dumps(list(channels)), "classes": "[]"}
    return xr.Dataset(variables, attrs=attributes)


def denoiser_weights(environment: str = "base") -> Weights:
    """A denoiser of the settings' size; no weight is zero, so that every layer works."""
    channels, settings = COAST, base_settings("pretrain", PretrainSettings, environment)
    torch.manual_seed(0)
    denoiser = Denoiser(settings.denoiser, channels, settings.tile)
    with torch.no_grad():
        for parameter in denoiser.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)
    config = {
        "modalities": channels,
        "modality_order": list(channels),
        "settings": settings.model_dump(mode="json"),
    }
    return Weights(denoiser.state_dict(), config)


def feature_channels(timesteps: int = 3) -> tuple[int, ...]:
    """Channels of each level of the features that the base settings make."""
    denoiser = base_settings("pretrain", PretrainSettings).denoiser
    return tuple(timesteps * denoiser.width * m for m in denoiser.multipliers)


def scene_arrays(
    shape: tuple[int, int] = COAST_SHAPE, channels: dict[str, int] | None = None, seed: int = 0
) -> SceneTensors:
    """A scene and its features as a classifier sees them, random values of the real sizes."""
    channels = channels or COAST
    generator = torch.Generator().manual_seed(seed)
    starts = np.cumsum([0, *channels.values()])
    features = tuple(
        torch.randn(count, -(-shape[0] // 2**level), -(-shape[1] // 2**level), generator=generator)
        for level, count in enumerate(feature_channels())
    )
    return SceneTensors(
        torch.randn(sum(channels.values()), *shape, generator=generator),
        {
            name: slice(int(start), int(start) + count)
            for (name, count), start in zip(channels.items(), starts, strict=False)
        },
        tuple(level.half() for level in features),
        tuple(torch.zeros(level.shape[0]) for level in features),
        tuple(torch.ones(level.shape[0]) for level in features),
    )


def classifier_for(
    arrays: SceneTensors, classes: int = COAST_CLASSES, backend: str = "auto"
) -> Classifier:
    """The classifier of the base settings, fresh weights."""
    torch.manual_seed(0)
    settings = train_settings(backend=backend).classifier
    classifier = Classifier(settings, arrays.modality_channels, arrays.level_channels, classes)
    classifier.set_feature_moments(arrays.feature_mean, arrays.feature_std)
    return classifier


def train_settings(
    backend: str = "auto",
    first_consistency: int | None = None,
    *,
    judged: bool = True,
    **changes: Any,
) -> TrainSettings:
    """The base settings of training with another scan backend.

    Args:
        backend: The scan's.
        first_consistency: Epochs before consistency on pixels without labels; None as in base.
        judged: Whether short trainings judge the branches afterwards.
        changes: Values in place of the first level's.
    """
    settings = base_settings("train", TrainSettings, **changes)
    tree = settings.model_dump()
    tree["classifier"]["branch"]["mamba"]["backend"] = backend
    if not judged:
        tree["decision"]["folds"] = 0
    if first_consistency is not None:
        tree["mutual_learning"]["consistency"]["start_epoch"] = first_consistency
    return TrainSettings.model_validate(tree)


def fast_model(channels: dict[str, int] | None = None, classes: int = COAST_CLASSES) -> FastModel:
    """The fast network of the base settings, fresh weights, for a model of diffusion features."""
    settings = base_settings("distil", DistilSettings)
    torch.manual_seed(0)
    dilated = dilations(CONTEXT, settings.depth)
    network = FastNetwork(channels or COAST, classes, settings.width, dilated)
    config = {
        "modalities": network.modalities,
        "classes": classes,
        "width": settings.width,
        "dilations": list(dilated),
        "patch": 2 * network.reach + 1,
    }
    return FastModel(Weights(dict(network.state_dict()), config))
