"""Maps of a scene with one modality spoilt: what a model is worth when a sensor fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import xarray as xr

from bdgf.evaluation.damage import DamageKind, DamageSettings
from bdgf.evaluation.maps import class_map
from bdgf.inference.predict import predict
from bdgf.inference.settings import InferenceSettings
from bdgf.models.base import SceneInputs, TrainedModel
from bdgf.scenes.damage import cloud_blocks, clouded, noisy
from bdgf.scenes.masks import hide_modalities, modality_mask
from bdgf.scenes.scene import modality_names, valid_mask
from bdgf.training.devices import DeviceSettings

log = logging.getLogger(__name__)

Changed = Callable[[xr.Dataset], AbstractContextManager[SceneInputs]]
"""Gives what a model sees of a changed scene."""


def damaged_maps(
    model: TrainedModel,
    prepared: xr.Dataset,
    wanted: np.ndarray,
    changed: Changed,
    damage: DamageSettings,
    inference: InferenceSettings,
    devices: DeviceSettings | None = None,
) -> Iterator[tuple[tuple[DamageKind, str], np.ndarray]]:
    """Draws one map for each kind of damage and each modality that has data.

    Args:
        model: The trained model.
        prepared: The scene, as the model sees it undamaged.
        wanted: (H, W) bool, the pixels that are classified.
        changed: Gives the inputs of a changed scene.
        damage: What is spoilt, and how.
        inference: How a map is drawn.
        devices: Where to compute.

    Yields:
        The kind and the modality; (H, W) uint8 class ids, 0 where not wanted or nothing is left.
    """
    names = [name for name in modality_names(prepared) if modality_mask(prepared, name).any()]
    for kind in damage.kinds:
        if kind == "hidden" and len(names) == 1:
            log.info("there is one modality: it is not hidden")
            continue
        for name in names:
            with changed(_spoilt(prepared, kind, name, damage)) as seen:
                asked = replace(seen, wanted=wanted)
                shares = predict(model, asked, inference, devices)
                valid = valid_mask(seen.prepared) & wanted
            yield (kind, name), class_map(shares, valid)


def _spoilt(
    prepared: xr.Dataset, kind: DamageKind, modality: str, damage: DamageSettings
) -> xr.Dataset:
    if kind == "hidden":
        return hide_modalities(prepared, [modality])
    place = modality_names(prepared).index(modality)
    rng = np.random.default_rng([damage.seed, place])
    if kind == "noise":
        return noisy(prepared, modality, damage.noise, rng)
    shape = (prepared.sizes["y"], prepared.sizes["x"])
    return clouded(prepared, modality, cloud_blocks(shape, damage.share, damage.block, rng))
