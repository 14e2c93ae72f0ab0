"""Training pixels: their choice, their order and the class weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from bdgf.core.errors import SceneError
from bdgf.models.patch.augmentation import (
    AugmentationSettings,
    draw_dihedral,
    draw_lam,
    draw_modalities,
)

ClassWeights = Literal["none", "balanced", "sqrt"]


@dataclass(frozen=True)
class Pixels:
    """Labelled pixels of one part of a split.

    Attributes:
        rows: (n,) int64.
        cols: (n,) int64.
        targets: (n,) int64, class id minus one.
    """

    rows: np.ndarray
    cols: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    def where(self, chosen: np.ndarray) -> Pixels:
        """Those of (n,) bool."""
        return Pixels(self.rows[chosen], self.cols[chosen], self.targets[chosen])


@dataclass(frozen=True)
class TrainingSamples:
    """Samples in the order of a training, drawn beforehand: the loop waits for no host draw.

    Attributes:
        rows: (n,) int64.
        cols: (n,) int64.
        targets: (n,) int64, class id minus one.
        symmetry: (n,) int64, a symmetry of the square, as `gather_cells` numbers them.
        keep: (n, M) float32, 0 where a modality is hidden.
        lam: (n,) float32, what a sample keeps of itself in mixup.
    """

    rows: Tensor
    cols: Tensor
    targets: Tensor
    symmetry: Tensor
    keep: Tensor
    lam: Tensor

    def batch(self, step: int, size: int) -> TrainingSamples:
        """The samples of one step."""
        return self.part(slice(step * size, (step + 1) * size))

    def part(self, samples: slice) -> TrainingSamples:
        """Some of the samples; nothing is copied."""
        return TrainingSamples(*(column[samples] for column in self._columns()))

    def to(self, device: torch.device | str) -> TrainingSamples:
        """The samples on `device`."""
        return TrainingSamples(*(column.to(device) for column in self._columns()))

    def _columns(self) -> tuple[Tensor, ...]:
        return self.rows, self.cols, self.targets, self.symmetry, self.keep, self.lam


def draw_samples(
    pixels: Pixels,
    count: int,
    modalities: int,
    augmentation: AugmentationSettings,
    seed: int,
    streams: tuple[int, int] = (0, 1),
) -> TrainingSamples:
    """Every sample of a training: its pixel and how it is augmented.

    Args:
        pixels: The training pixels.
        count: Samples in the whole training.
        modalities: M.
        augmentation: Settings of the augmentation.
        seed: Seed of all draws.
        streams: Numbers of the seed's streams for the order and for the augmentation.
    """
    order_stream, augmentation_stream = streams
    generator = np.random.default_rng([seed, order_stream])
    order = shuffled_passes(len(pixels), count, generator)
    generator = np.random.default_rng([seed, augmentation_stream])
    symmetry = draw_dihedral(count, augmentation, generator)
    keep = draw_modalities(count, modalities, augmentation, generator)
    lam = draw_lam(count, augmentation, generator)
    places = pixels.rows[order], pixels.cols[order], pixels.targets[order]
    columns = (*places, symmetry, keep, lam)
    return TrainingSamples(*(torch.from_numpy(column) for column in columns))


def select_pixels(labels: np.ndarray, chosen: np.ndarray) -> Pixels:
    """The labelled pixels where `chosen`, in row-major order.

    Args:
        labels: (H, W) uint8, 0 unlabelled, class ids from 1.
        chosen: (H, W) bool.
    """
    rows, cols = np.nonzero((labels > 0) & chosen)
    return Pixels(rows, cols, labels[rows, cols].astype(np.int64) - 1)


def thin_pixels(pixels: Pixels, most: int, generator: np.random.Generator) -> Pixels:
    """At most `most` of the pixels, drawn without replacement, in their order."""
    if len(pixels) <= most:
        return pixels
    kept = np.sort(generator.choice(len(pixels), most, replace=False))
    return Pixels(pixels.rows[kept], pixels.cols[kept], pixels.targets[kept])


def thin_classes(pixels: Pixels, most: int, generator: np.random.Generator) -> Pixels:
    """At most `most` of the pixels, in their order: rare classes whole, common ones thinned.

    As many pixels of each class stay as there are of it, up to a number that is the same for all;
    at least one of each does.
    """
    if len(pixels) <= most:
        return pixels
    counts = np.bincount(pixels.targets)
    left, each = most, 1
    waiting = sorted(int(count) for count in counts if count)
    while waiting and waiting[0] <= (each := max(left // len(waiting), 1)):
        left -= waiting.pop(0)  # a rare class leaves the rest of its share to the others
    drawn = [
        generator.permutation(np.flatnonzero(pixels.targets == target))[:each]
        for target in np.unique(pixels.targets)
    ]
    kept = np.sort(np.concatenate(drawn))
    return Pixels(pixels.rows[kept], pixels.cols[kept], pixels.targets[kept])


def check_classes(pixels: Pixels, classes: int) -> None:
    """Refuses training pixels that miss a class or have one too many.

    Raises:
        SceneError: A class has no training pixel, or a label is above the number of classes.
    """
    counts = np.bincount(pixels.targets, minlength=classes)
    if len(counts) > classes:
        raise SceneError(
            f"the labels hold class {len(counts)} but the scene lists {classes} classes; "
            "fix the scene's class list"
        )
    missing = [str(index + 1) for index in np.flatnonzero(counts == 0)]
    if missing:
        raise SceneError(
            f"no valid training pixel of class {', '.join(missing)} in the split; choose another "
            "split or seed, or leave the class out of the scene"
        )


def class_weights(targets: np.ndarray, classes: int, scheme: ClassWeights) -> np.ndarray | None:
    """Weights of the classes in the loss, (classes,) float32 with mean one over the pixels.

    Args:
        targets: (n,) int64 in 0..classes-1, every class at least once.
        classes: Number of classes.
        scheme: `none`; `balanced`: inverse to the class's frequency; `sqrt`: inverse to its root,
            between the two.
    """
    if scheme == "none":
        return None
    share = np.bincount(targets, minlength=classes) / len(targets)
    weights = 1 / share if scheme == "balanced" else 1 / np.sqrt(share)
    return (weights / (weights * share).sum()).astype(np.float32)


def shuffled_passes(pixels: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """The order in which a whole training sees its pixels: shuffled passes over all of them.

    Args:
        pixels: Number of pixels.
        count: Samples in the whole training.
        generator: Source of the shuffling.

    Returns:
        (count,) int64 indices of pixels.
    """
    passes = -(-count // pixels)
    return np.concatenate([generator.permutation(pixels) for _ in range(passes)])[:count]
