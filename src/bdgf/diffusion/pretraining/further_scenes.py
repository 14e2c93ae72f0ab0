"""More scenes to pretrain on, prepared window by window with the statistics of the run's scene.

Their values so mean what they mean in that scene, and its features are made of: the components of a
spectrum are the same combinations of bands, a height of ten metres is the same number. `predict`
prepares its target likewise.
"""

from __future__ import annotations

import logging

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.preprocessing.preparation import Preparation
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.raster.windows import blocks
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.modality_forms import all_alike, listed
from bdgf.scenes.scene import valid_mask
from bdgf.scenes.scene_windows import InOrder, SceneWindows

log = logging.getLogger(__name__)

_SIDE = 512
"""Side in pixels of the blocks that are read at a time."""


def further_scene(source: SceneWindows, preparation: Preparation, name: str) -> PretrainingData:
    """An additional scene to pretrain on.

    Its channels are held, its bands are not: those are read block by block.

    Args:
        source: The scene, labelled or not.
        preparation: The other scene's.
        name: The other scene's name, for messages.

    Raises:
        SceneError: Its modalities, bands or units are not those of the other scene (one line with
            both lists), no pixel has data, or a file cannot be read.
    """
    wanted, found = preparation.forms, source.modalities
    if wanted.keys() != found.keys() or not all_alike(found, wanted):
        raise SceneError(
            f"scene '{source.name}' cannot be pretrained on together with '{name}': it has "
            f"{listed(found)}; '{name}' has {listed(wanted)}; give scenes of the same modalities, "
            "bands and units, by the same names, or leave it out of pretrain.scenes"
        )
    ordered, shape = InOrder(source, tuple(wanted)), source.shape
    counts = preparation.channels
    channels = np.zeros((sum(counts.values()), *shape), np.float32)
    valid = np.zeros(shape, bool)
    present = np.zeros((len(counts), *shape), bool)
    for window in blocks(shape, _SIDE):
        prepared = preparation.apply(ordered.read(window))
        channels[:, *window.index] = stack_channels(prepared)[0]
        valid[window.index] = valid_mask(prepared)
        for number, modality in enumerate(counts):
            present[number, *window.index] = modality_mask(prepared, modality)
    if not valid.any():
        raise SceneError(
            f"scene '{source.name}' has no pixel with data to pretrain on; check its nodata values"
        )
    masks = present if (present != valid).any() else None
    return PretrainingData(channels, valid, counts, masks, source.name)
