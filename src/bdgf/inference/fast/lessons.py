"""The lessons of a distillation: tiles that a model maps, and blocks in them that do not teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bdgf.core.errors import SceneError
from bdgf.raster.windows import blocks
from bdgf.training.progress import PIXELS, ProgressBar

if TYPE_CHECKING:
    from bdgf.inference.fast.settings import DistilSettings
    from bdgf.inference.fast.teacher import Lesson, Teacher


@dataclass(frozen=True)
class Lessons:
    """What a model says of some tiles.

    Attributes:
        whole: The tiles, every modality visible.
        without: Some of them again with a modality hidden, by its name.
        held: Of each tile of `whole`, by its limits, (h, w) bool: the blocks that do not teach.
    """

    whole: Sequence[Lesson]
    without: dict[str, list[Lesson]]
    held: dict[tuple[int, int, int, int], Tensor]

    def teaching(self, lesson: Lesson) -> Tensor:
        """(h, w) bool, the pixels of a lesson that teach."""
        return lesson.known & ~self.held[lesson.window.limits]

    def held_out(self, lesson: Lesson) -> Tensor:
        """(h, w) bool, the pixels of a lesson that do not."""
        return lesson.known & self.held[lesson.window.limits]


def draw_lessons(teacher: Teacher, settings: DistilSettings, seed: int, margin: int) -> Lessons:
    """Asks a model for tiles of its scene until they have the pixels that are wanted.

    A block that is held out is so with any modality hidden.

    Args:
        teacher: The model on its scene.
        settings: How many pixels, and which of them teach.
        seed: Decides the tiles and the blocks that are held out.
        margin: Pixels around a tile that the network looks at.

    Raises:
        SceneError: Fewer than two blocks have data.
    """
    rng = np.random.default_rng(seed)
    height, width = teacher.source.shape
    most, pixels = min(settings.pixels, height * width), 0
    whole: list[Lesson] = []
    with ProgressBar("asking the model", most, unit=PIXELS) as bar:
        for window in teacher.tiles(rng):
            if (lesson := teacher.lesson(window, margin)) is not None:
                whole.append(lesson)
                pixels += int(lesson.known.sum())
                bar.total = max(most, pixels)
                bar.update(pixels)
            if pixels >= most:
                break
        held = _held(teacher, whole, settings.held_out, rng)
        names = teacher.modalities if settings.hidden and len(teacher.modalities) > 1 else ()
        without: dict[str, list[Lesson]] = {}
        count = ceil(settings.hidden * len(whole))
        for number, name in enumerate(names):
            again = (whole[(number * count + n) % len(whole)] for n in range(count))
            asked = (teacher.lesson(lesson.window, margin, (name,)) for lesson in again)
            without[name] = [lesson for lesson in asked if lesson is not None]
    return Lessons(whole, without, held)


def _held(
    teacher: Teacher, whole: Sequence[Lesson], share: float, rng: np.random.Generator
) -> dict[tuple[int, int, int, int], Tensor]:
    held = {lesson.window.limits: torch.zeros_like(lesson.known) for lesson in whole}
    places = [
        (lesson, block.index)
        for lesson in whole
        for block in blocks(lesson.window.shape, teacher.block)
        if lesson.known[block.index].any()
    ]
    if len(places) < 2:
        raise SceneError(
            f"scene '{teacher.source.name}' has data in {len(places)} blocks of {teacher.block} "
            "pixels: too few to distil a fast network from (inference.fast); map with the whole "
            "model"
        )
    for number in rng.permutation(len(places))[: ceil(share * len(places))]:
        lesson, index = places[number]
        held[lesson.window.limits][index] = True
    return held
