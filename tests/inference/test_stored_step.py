"""A step for other processes."""

import pickle

import numpy as np
import pytest

from bdgf.inference.settings import InferenceSettings
from bdgf.inference.stored_step import stored_step
from bdgf.raster.windows import Window
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.small_models import model_with_fast, small_model, small_scene

WINDOW = Window(slice(5, 25), slice(20, 44))


@pytest.mark.parametrize("name", ["bdgf", "random_forest"])
def test_it_makes_the_same_of_what_another_process_gets(tmp_path, name):
    model = small_model(name)
    step = model.step(DatasetWindows(small_scene()))
    with stored_step(step, model, tmp_path, None) as stored:
        sent = pickle.dumps(stored)
        assert len(sent) < 30_000
        made = pickle.loads(sent)(WINDOW)
    for layer, values in step(WINDOW).items():
        np.testing.assert_array_equal(made[layer], values)
    assert not list(tmp_path.iterdir())


def test_another_process_draws_with_the_fast_network_too(tmp_path):
    model = model_with_fast("random_forest")
    step = model.step(DatasetWindows(small_scene()), InferenceSettings(fast=True))
    with stored_step(step, model, tmp_path, None) as stored:
        made = pickle.loads(pickle.dumps(stored))(WINDOW)
    for layer, values in step(WINDOW).items():
        np.testing.assert_array_equal(made[layer], values)
