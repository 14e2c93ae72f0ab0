"""Pretraining that is done once for all runs of the same scenes, settings and seed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.errors import ArtifactError
from bdgf.core.weights import Weights, read_weights, write_weights
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.training.checkpoint import delete_checkpoint
from bdgf.training.devices import DeviceSettings
from bdgf.training.metric_logger import MetricLogger

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger(__name__)


class CachedDenoiser(NamedTuple):
    """A denoiser, and whether an earlier run pretrained it."""

    weights: Weights
    reused: bool


def cached_denoiser(
    prepared: xr.Dataset,
    settings: PretrainSettings,
    seed: int,
    cache: ArtifactCache,
    *,
    devices: DeviceSettings | None = None,
    logger: MetricLogger | None = None,
    others: Sequence[PretrainingData] = (),
) -> CachedDenoiser:
    """The denoiser of `pretrain`, from the cache if it exists.

    Args:
        prepared: The prepared scene.
        settings: Everything that decides the result, with `seed`.
        seed: Seed of initial weights, tiles, noise, masks.
        cache: Keeps finished denoisers, and the running checkpoint of one that is not.
        devices: Device and precision.
        logger: Takes the curves of a pretraining that is done now.
        others: More scenes to pretrain on.

    Raises:
        TrainingDiverged: The loss or gradient was NaN or infinite at too many steps.
        SceneError: No pixel of a scene is valid.
    """
    devices = devices or DeviceSettings()
    data = PretrainingData.of(prepared, devices.resident_gib).with_others(others)
    mark = data.fingerprint(settings, seed, devices)
    with cache.claim(mark) as place:
        finished, running = place.with_suffix(".safetensors"), place.with_suffix(".ckpt")
        if finished.exists():
            try:
                weights = read_weights(finished, "it is pretrained again")
            except ArtifactError as error:
                log.warning("%s", error)
            else:
                log.info("reusing the pretrained denoiser %s", mark)
                return CachedDenoiser(weights, reused=True)
        weights = pretrain(
            data, settings, seed, devices=devices, logger=logger, checkpoint=running, mark=mark
        )
        write_weights(weights, finished)
        delete_checkpoint(running)
        return CachedDenoiser(read_weights(finished), reused=False)  # what later runs get too
