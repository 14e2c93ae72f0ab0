"""Artifacts of a small demo scene, as the pipelines write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from bdgf.core.weights import write_weights
from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.datasets.raster_map import RasterMapDataset
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.models.base import SceneInputs
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.registry import model_entry
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from bdgf.training.checkpoint import save_checkpoint

MARK = "f00d"
"""Fingerprint of the checkpoint."""

_UNET = {"width": 8, "multipliers": (1, 2), "blocks": 1, "head_channels": 8}
_PRETRAIN = PretrainSettings.model_validate(
    {"steps": 1, "batch_size": 2, "tile": 16, "denoiser": _UNET}
)
_TRAIN = TrainSettings.model_validate({"epochs": 1, "batches_per_epoch": 1, "batch_size": 16})
_OWN: dict[str, dict[str, Any]] = {
    "random_forest": {"trees": 2, "jobs": 1},
    "svm": {"c": (1.0,), "gamma": (0.3,), "jobs": 1},
    "mft": {"width": 16, "heads": 2},
}


def write_artifacts() -> Iterator[tuple[str, str, Callable[[Path], Any]]]:
    """File name, name of the loader, and what writes the file, of each artifact."""
    scene = make_demo_scene(DemoSettings(size=48, bands=8))
    preparation = fit_preparation(scene, PreparationSettings(components=4))
    prepared = preparation.apply(scene)
    split = make_split(prepared, SplitSettings(name="per_class", per_class=6), 0, 2)
    yield "scene.nc", "scene", lambda path: NetCDFDataset(filepath=str(path)).save(scene)
    yield "split.tif", "map", lambda path: RasterMapDataset(filepath=str(path)).save(split)
    yield (
        "preparation.safetensors",
        "preparation",
        lambda path: write_weights(preparation.to_weights(), path),
    )
    denoiser = pretrain(PretrainingData.of(prepared), _PRETRAIN, 0)
    yield "denoiser.safetensors", "denoiser", lambda path: write_weights(denoiser, path)
    yield "train.ckpt", "checkpoint", _write_checkpoint
    for name, own in _OWN.items():
        model = model_entry(name).model()
        assert model.settings is not None
        inputs, settings = SceneInputs(prepared), model.settings.model_validate(own)
        trained = model.fit(inputs, split, _TRAIN, settings, 0)
        yield f"{name}{model_entry(name).suffix}", name, trained.save


def _write_checkpoint(path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": 1}
    save_checkpoint(path, {**state, "random": torch.get_rng_state()}, MARK)
