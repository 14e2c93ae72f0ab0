"""What is made of one window."""

from typing import ClassVar

import numpy as np
import pytest

from bdgf.features.block_extractor import TileExtractor
from bdgf.inference.settings import InferenceSettings
from bdgf.inference.window_step import CLASS_MAP, PROBABILITIES, classifier_reach
from bdgf.models.patch.model import TrainedNetwork
from bdgf.raster.windows import Window
from bdgf.scenes.mask_variables import mask_variables
from bdgf.scenes.scene import VALID, modality_names, valid_mask
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.small_models import small_model, small_scene


class Watched(DatasetWindows):
    asked: ClassVar[list] = []

    def read(self, window):
        self.asked.append(window)
        return super().read(window)


@pytest.mark.parametrize(
    ("patch", "levels", "reach"),
    [(1, (), 0), (11, (), 5), (1, (0, 1, 2), 8), (11, (0, 1, 2), 8), (7, (0,), 4), (41, (0,), 21)],
)
def test_a_classifier_looks_so_far(patch, levels, reach):
    assert classifier_reach(patch, levels) == reach


def test_no_more_is_read_than_what_is_in_reach():
    Watched.asked = []
    model = small_model("random_forest_windows")
    step = model.step(Watched(small_scene()))
    step(Window(slice(10, 20), slice(10, 20)))
    assert Watched.asked == [Window(slice(8, 22), slice(8, 22))]


def test_regions_of_the_denoiser_begin_at_its_windows():
    Watched.asked = []
    step = small_model("bdgf").step(Watched(small_scene()))
    step(Window(slice(50, 56), slice(50, 56)))
    (region,) = Watched.asked
    assert region.rows.start % step.alignment == 0
    assert region.rows.stop == 56


def test_features_that_nobody_reads_are_not_computed(monkeypatch):
    hidden = InferenceSettings(hide=("height",))
    step = small_model("bdgf").step(DatasetWindows(small_scene()), hidden, layers=(PROBABILITIES,))
    assert step.guidance is not None
    window = Window(slice(3, 20), slice(30, 56))
    with monkeypatch.context() as patched:
        patched.setattr(TrainedNetwork, "reads_gaps", True)
        computed = step(window)[PROBABILITIES]
    monkeypatch.setattr(TileExtractor, "features", None)  # a call would fail
    assert np.array_equal(step(window)[PROBABILITIES], computed)


def test_features_of_a_window_with_a_gap_are_computed(monkeypatch):
    scene, gap = small_scene(), Window(slice(0, 20), slice(30, 56))
    full = valid_mask(scene)
    there = full.copy()
    there[gap.index] = False
    whole = dict.fromkeys(modality_names(scene), full)
    scene = scene.assign(mask_variables({**whole, "height": there}, full))
    step = small_model("bdgf").step(DatasetWindows(scene), layers=(CLASS_MAP,))
    step(Window(slice(10, 30), slice(30, 56)))
    monkeypatch.setattr(TileExtractor, "features", None)
    with pytest.raises(TypeError):
        step(Window(slice(10, 30), slice(30, 56)))


def test_a_window_without_data_is_not_classified():
    scene = small_scene()
    empty = scene.assign({VALID: scene[VALID] * 0})
    step = small_model("svm").step(DatasetWindows(empty), layers=(CLASS_MAP, PROBABILITIES))
    made = step(Window(slice(0, 9), slice(0, 9)))
    assert set(made) == {CLASS_MAP, PROBABILITIES}
    assert not made[CLASS_MAP].any()
    assert not made[PROBABILITIES].any()
