"""The labels that training may use: never those of the test pixels."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.models.patch.sampling import Pixels, check_classes, select_pixels, thin_pixels
from bdgf.models.patch.settings import PatchTrainSettings
from bdgf.splits.parts import TRAIN, VALIDATION

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledPixels:
    """The labels that a training may see: those of the training and the validation pixels.

    Attributes:
        train: What is learnt from while the epoch is chosen.
        validation: What it is chosen on, thinned to what the settings ask for.
        together: All of both.
    """

    train: Pixels
    validation: Pixels
    together: Pixels

    @property
    def nothing(self) -> Pixels:
        """No pixels: where nothing validates."""
        return Pixels(self.train.rows[:0], self.train.cols[:0], self.train.targets[:0])


def labelled_pixels(
    shape: tuple[int, int],
    labels: np.ndarray,
    split: np.ndarray,
    valid: np.ndarray,
    classes: int,
    settings: PatchTrainSettings,
    seed: int,
) -> LabelledPixels:
    """Picks the labels that a training may see; from here on there are no others.

    Args:
        shape: (H, W) of the scene.
        labels: (H, W) uint8, 0 unlabelled, class ids 1..K.
        split: (H, W) uint8, constants of `bdgf.splits.parts`.
        valid: (H, W) bool, False at nodata.
        classes: K.
        settings: For the number of validation pixels.
        seed: Seed of the thinning.

    Raises:
        SceneError: A class has no training pixel, or the shapes differ.
    """
    for name, grid in (("labels", labels), ("split", split), ("valid mask", valid)):
        if grid.shape != shape:
            raise SceneError(
                f"the {name} are {grid.shape} but the scene is {shape}; run prepare again"
            )
    seen = np.asarray(valid, bool)
    train = select_pixels(labels, seen & (split == TRAIN))
    validation = select_pixels(labels, seen & (split == VALIDATION))
    check_classes(train, classes)
    if not len(validation) and settings.selection.validates:
        log.warning("no validation pixel: the last epoch's weights are used")
    generator = np.random.default_rng([seed, 2])
    return LabelledPixels(
        train,
        thin_pixels(validation, settings.validation_pixels, generator),
        select_pixels(labels, seen & ((split == TRAIN) | (split == VALIDATION))),
    )
