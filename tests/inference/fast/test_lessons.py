"""Which pixels a model is asked for, and which of them teach."""

from types import SimpleNamespace

import pytest
import torch

from bdgf.core.errors import SceneError
from bdgf.inference.fast.lessons import draw_lessons
from bdgf.inference.fast.settings import DistilSettings
from bdgf.inference.fast.teacher import Lesson, Teacher
from bdgf.raster.windows import blocks


class Drawn(Teacher):
    """A teacher whose answers cost nothing; of the first `missing` rows it says nothing."""

    missing = 0

    def lesson(self, window, margin, hidden=()):
        known = torch.arange(*window.limits[:2])[:, None].expand(window.shape) >= self.missing
        if not known.any():
            return None
        said = torch.stack([known, known], dim=-1).float() / 2
        return Lesson(window, (said, said, said), said, {"a": 1})


def teacher(side=240, missing=0):
    modalities = dict.fromkeys(("optical", "height", "sar"))
    drawn = Drawn(SimpleNamespace(name="a", shape=(side, side), modalities=modalities), *[None] * 3)
    object.__setattr__(drawn, "missing", missing)
    return drawn


@pytest.mark.parametrize("share", [0.15, 0.5])
def test_whole_blocks_are_held_out_and_nothing_is_both(share):
    source = teacher()
    lessons = draw_lessons(source, DistilSettings(held_out=share), 0, 3)
    held = 0
    for lesson in lessons.whole:
        out, teaches = lessons.held_out(lesson), lessons.teaching(lesson)
        assert (out ^ teaches)[lesson.known].all()
        for block in blocks(lesson.window.shape, source.block):
            assert out[block.index].all() or not out[block.index].any()
        held += int(out.sum())
    total = sum(int(lesson.known.sum()) for lesson in lessons.whole)
    assert held / total == pytest.approx(share, abs=0.04)


def test_tiles_are_drawn_until_there_are_as_many_pixels_as_wanted():
    source = teacher()
    lessons = draw_lessons(source, DistilSettings(pixels=20_000), 0, 3)
    pixels = [int(lesson.known.sum()) for lesson in lessons.whole]
    assert sum(pixels) >= 20_000 > sum(pixels[:-1])
    assert len({lesson.window.limits for lesson in lessons.whole}) == len(lessons.whole)
    everything = draw_lessons(source, DistilSettings(pixels=10**6), 0, 3)
    assert sum(int(lesson.known.sum()) for lesson in everything.whole) == 240**2


@pytest.mark.parametrize(("hidden", "tiles"), [(0.0, 0), (0.01, 1), (1.0, 9)])
def test_each_modality_is_hidden_in_its_share_of_the_tiles(hidden, tiles):
    lessons = draw_lessons(teacher(), DistilSettings(pixels=10**6, hidden=hidden), 0, 3)
    assert len(lessons.whole) == 9
    counts = {name: len(among) for name, among in lessons.without.items()}
    assert counts == (dict.fromkeys(("optical", "height", "sar"), tiles) if tiles else {})
    known = {lesson.window.limits for lesson in lessons.whole}
    again = [lesson.window.limits for among in lessons.without.values() for lesson in among]
    assert set(again) <= known
    if tiles == 1:
        assert len(set(again)) == 3


def test_tiles_without_data_are_passed_over():
    lessons = draw_lessons(teacher(missing=200), DistilSettings(), 0, 3)
    assert sum(int(lesson.known.sum()) for lesson in lessons.whole) == 40 * 240
    assert all(lesson.known.any() for lesson in lessons.whole)


def test_the_seed_decides():
    limits = [
        [
            lesson.window.limits
            for lesson in draw_lessons(teacher(), DistilSettings(), seed, 3).whole
        ]
        for seed in (0, 0, 1)
    ]
    assert limits[0] == limits[1] != limits[2]


def test_one_block_is_too_few():
    with pytest.raises(SceneError, match="too few to distil a fast network from") as error:
        draw_lessons(teacher(side=16), DistilSettings(), 0, 3)
    assert "\n" not in str(error.value)
