"""Statistics of another raster's bands, as refitted by `predict.adapt=statistics`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.preprocessing.modality_transform import BandStatistics, ModalityTransform
from bdgf.preprocessing.power import SAMPLE
from bdgf.preprocessing.preparation import Preparation
from bdgf.raster.windows import blocks
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.scene_windows import SceneWindows

_SIDE = 512
"""Side in pixels of the blocks that are read at a time."""


def band_statistics(source: SceneWindows, preparation: Preparation) -> dict[str, BandStatistics]:
    """Mean and standard deviation of each modality's values, without labels.

    One pass over the raster; one more before it where bands have powers, whose medians and spreads
    become those of the raster. The powers themselves stay.

    Args:
        source: The raster.
        preparation: Says what a modality's values are: bands or their powers, decibels, or
            brightness and shape.

    Returns:
        (B,) float64 mean and standard deviation, and the powers, by modality; of those that have
        data somewhere.

    Raises:
        SceneError: No pixel has data.
    """
    there = {name: t for name, t in preparation.modalities.items() if name in source.modalities}
    there = _with_powers_moved(source, there, preparation)
    counts = dict.fromkeys(there, 0)
    means = {name: np.zeros(len(t.band_mean)) for name, t in there.items()}
    squares = {name: np.zeros_like(mean) for name, mean in means.items()}
    for name, pixels in _valid_pixels(source, there):
        values, count, here = (
            there[name].form.of(pixels, preparation.settings),
            counts[name],
            len(pixels),
        )
        # Chan, Golub and LeVeque (1983): the sums of two parts, without loss of digits.
        apart = values.mean(0) - means[name]
        squares[name] += ((values - values.mean(0)) ** 2).sum(0)
        squares[name] += apart**2 * (count * here / (count + here))
        means[name] += apart * (here / (count + here))
        counts[name] += here
    if not any(counts.values()):
        raise SceneError(f"scene '{source.name}' has no pixel with data; nothing can be adapted")
    return {
        name: BandStatistics(means[name], np.sqrt(squares[name] / count), there[name].powers)
        for name, count in counts.items()
        if count
    }


def _valid_pixels(
    source: SceneWindows, wanted: dict[str, ModalityTransform]
) -> Iterator[tuple[str, np.ndarray]]:
    """Names of modalities and (N, bands) float64 of their valid pixels, block by block."""
    for window in blocks(source.shape, _SIDE):
        scene = source.read(window)
        for name in wanted:
            mask = modality_mask(scene, name)
            if mask.any():
                yield name, scene[name].to_numpy()[mask].astype(np.float64)


def _with_powers_moved(
    source: SceneWindows, transforms: dict[str, ModalityTransform], preparation: Preparation
) -> dict[str, ModalityTransform]:
    """The transforms, their powers about the medians of pixels drawn in the raster."""
    raised = {name: t for name, t in transforms.items() if t.powers is not None}
    if not raised:
        return transforms
    rng, total = np.random.default_rng(0), source.shape[0] * source.shape[1]
    samples: dict[str, list[np.ndarray]] = {name: [] for name in raised}
    for name, pixels in _valid_pixels(source, raised):
        share = -(-SAMPLE * len(pixels) // total)
        drawn = pixels if share >= len(pixels) else rng.choice(pixels, share, replace=False)
        unraised = replace(raised[name], powers=None)
        samples[name].append(unraised.form.of(drawn, preparation.settings))
    moved = dict(transforms)
    for name, parts in samples.items():
        powers = transforms[name].powers
        if parts and powers is not None:
            moved[name] = replace(transforms[name], powers=powers.moved_to(np.concatenate(parts)))
    return moved
