"""A fast network learns what its model says."""

import numpy as np
import pytest
import torch

from bdgf.core.errors import SceneError
from bdgf.inference.fast.distil import distil
from bdgf.inference.fast.settings import DistilSettings
from bdgf.inference.fast.teacher import Teacher
from bdgf.inference.settings import InferenceSettings
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.small_models import SMALL_FAST, model_with_fast, small_model, small_scene

LEARNT = DistilSettings(**SMALL_FAST.model_dump() | {"steps": 300, "width": 32})


@pytest.fixture
def teacher():
    model = small_model("random_forest")
    return Teacher(DatasetWindows(small_scene()), model.preparation, model.classifier, None)


@pytest.mark.slow
def test_it_learns_what_the_model_says_of_blocks_that_did_not_teach_it(teacher):
    report = distil(teacher, LEARNT).report
    whole = small_model("random_forest").predict(small_scene()).class_map.to_numpy()
    counts = np.bincount(whole[whole > 0])
    assert report["agreement"] > counts.max() / counts.sum() + 0.15
    assert set(report["agreement_without"]) == {"optical", "sar", "height"}


def test_the_seed_decides_all_of_it(teacher):
    state = torch.random.get_rng_state()
    one, same, other = (distil(teacher, SMALL_FAST, seed) for seed in (0, 0, 1))
    for name, tensor in one.weights.tensors.items():
        torch.testing.assert_close(tensor, same.weights.tensors[name], rtol=0, atol=0)
    assert one.config == same.config
    stems = [model.weights.tensors["stem.weight"] for model in (one, other)]
    assert not torch.equal(*stems)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_labels_are_not_looked_at():
    scene = small_scene()
    blind = scene.assign(labels=scene["labels"] * 0)
    model = small_model("random_forest").distilled(blind, SMALL_FAST)
    inference = InferenceSettings(fast=True)
    np.testing.assert_array_equal(
        model.predict(scene, inference).class_map,
        model_with_fast("random_forest").predict(scene, inference).class_map,
    )


def test_without_hiding_nothing_is_said_of_hidden_modalities(teacher):
    settings = DistilSettings(**SMALL_FAST.model_dump() | {"hidden": 0.0})
    assert distil(teacher, settings).report["agreement_without"] == {}


def test_a_scene_of_one_block_is_refused_in_one_line():
    model = small_model("random_forest")
    with pytest.raises(SceneError, match="too few to distil a fast network from") as error:
        model.distilled(small_scene().isel(y=slice(30, 46), x=slice(30, 46)), SMALL_FAST)
    assert "\n" not in str(error.value)


def test_the_curve_is_logged(teacher):
    logged = []

    class Logger:
        def log(self, metrics, step):
            logged.append((step, metrics["distil/loss"]))

    made = distil(teacher, SMALL_FAST, logger=Logger())
    curve = made.config["history"]["distil/loss"]
    assert [tuple(pair) for pair in logged] == [tuple(pair) for pair in curve]
    assert logged[-1][0] == SMALL_FAST.steps
    assert logged[-1][1] < logged[0][1]
