"""What is done to a model's map before it is handed out."""

import json
import logging
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from bdgf.inference.predict import predict
from bdgf.inference.settings import InferenceSettings
from bdgf.inference.smoothing import SmoothingSettings, smooth_probabilities
from bdgf.models.base import SceneInputs
from bdgf.scenes.scene import valid_mask
from bdgf.training.devices import DeviceSettings
from tests.diffusion.small_scene import prepared_scene


class Remembering:
    """A trained model that gives a drawn map and keeps what it was asked."""

    def __init__(self, valid):
        drawn = np.random.default_rng(0).dirichlet(np.ones(3), valid.shape).astype(np.float32)
        self.map = np.where(valid, np.moveaxis(drawn, -1, 0), 0)
        self.asked = []

    def predict_map(self, *asked):
        self.asked.append(asked)
        return self.map


@pytest.fixture
def seen():
    inputs = SceneInputs(prepared_scene(20, 24))
    return SimpleNamespace(inputs=inputs, model=Remembering(valid_mask(inputs.prepared)))


def test_without_smoothing_it_is_the_models_own_map_and_no_channel_is_read(seen):
    found = predict(seen.model, seen.inputs, InferenceSettings())
    np.testing.assert_array_equal(found, seen.model.map)
    assert "channels" not in vars(seen.inputs)


def test_the_model_is_told_how_and_where_to_predict(seen):
    settings, devices = InferenceSettings(batch_size=7), DeviceSettings(accelerator="cpu")
    predict(seen.model, seen.inputs, settings, devices)
    assert seen.model.asked == [(seen.inputs, settings, devices, None)]


def test_how_far_it_is_is_shown_where_that_is_asked_for(seen, caplog):
    def in_two_steps(inputs, settings, devices, progress):
        for _ in range(2):
            progress(100)
        return seen.model.map

    seen.model.predict_map = in_two_steps
    with caplog.at_level(logging.INFO):
        predict(seen.model, seen.inputs, InferenceSettings(), shown=True)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("classifying: 200 px in")
    assert line.endswith("px/s")


def test_smoothing_goes_by_the_scene_and_leaves_pixels_without_data_alone(seen):
    smoothing = SmoothingSettings(sigma=1.5, contrast=0.5)
    found = predict(seen.model, seen.inputs, InferenceSettings(smoothing=smoothing))
    prepared = seen.inputs.prepared
    names = json.loads(prepared.attrs["modalities"])
    channels = np.concatenate([prepared[name].to_numpy() for name in names])
    valid = valid_mask(prepared)
    wanted = smooth_probabilities(seen.model.map, channels, valid, smoothing)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert np.abs(found - seen.model.map).max() > 0.1
    assert (found[:, ~valid] == 0).all()
    np.testing.assert_allclose(found.sum(0)[valid], 1, atol=1e-5)


@pytest.mark.parametrize("more", [{"fusion": "mean"}, {"dihedral": 4}])
def test_the_fast_network_has_no_branches_and_no_symmetries(more):
    InferenceSettings(**more)
    with pytest.raises(ValidationError, match=r"leave inference\.fusion and inference\.dihedral"):
        InferenceSettings(fast=True, **more)
