"""Pretraining that is done once for all runs of the same scene, settings and seed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.errors import SceneError
from bdgf.core.weights import Weights, read_weights, write_weights
from bdgf.diffusion.pretraining.pretrain import PretrainSettings, pretrain, pretrain_fingerprint
from bdgf.preprocessing.preparation import stack_channels
from bdgf.scenes.scene import valid_mask
from bdgf.training.devices import DeviceSettings
from bdgf.training.metric_logger import MetricLogger

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger(__name__)


def shared_denoiser(
    prepared: xr.Dataset,
    settings: PretrainSettings,
    seed: int,
    cache: ArtifactCache,
    *,
    devices: DeviceSettings | None = None,
    logger: MetricLogger | None = None,
) -> Weights:
    """The denoiser that `pretrain` gives, from the cache where it is there.

    Args:
        prepared: The prepared scene.
        settings: Everything that decides the result, with `seed`.
        seed: Seed of initial weights, tiles, noise, masks.
        cache: Keeps finished denoisers, and the running checkpoint of one that is not.
        devices: Device and precision.
        logger: Takes the curves of a pretraining that is done now.

    Returns:
        The averaged weights.

    Raises:
        TrainingDiverged: A loss became NaN or infinite.
        SceneError: No pixel of the scene is valid.
    """
    devices = devices or DeviceSettings()
    channels, slices = stack_channels(prepared)
    modalities = {name: part.stop - part.start for name, part in slices.items()}
    mark = pretrain_fingerprint(channels, valid_mask(prepared), modalities, settings, seed, devices)
    with cache.claim(mark) as place:
        finished, running = place.with_suffix(".safetensors"), place.with_suffix(".ckpt")
        if finished.exists():
            try:
                weights = read_weights(finished)
            except SceneError as error:
                log.warning("%s", error)
            else:
                log.info("reusing the pretrained denoiser %s", mark)
                return weights
        weights = pretrain(
            prepared, settings, seed, devices=devices, logger=logger, checkpoint=running
        )
        write_weights(weights, finished)
        running.unlink(missing_ok=True)
        return read_weights(finished)  # what every later run gets
