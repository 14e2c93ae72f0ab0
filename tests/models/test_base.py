"""What a model sees of a scene: read once, whoever asks."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from bdgf.features.external import write_feature_cube
from bdgf.models import base
from bdgf.models.base import SceneInputs, reads_features
from tests.diffusion.small_scene import CHANNELS, prepared_scene


@pytest.fixture
def cube(tmp_path):
    features = {0: np.random.default_rng(0).normal(size=(5, 20, 24))}
    return write_feature_cube(tmp_path / "cube.h5", features, np.ones((20, 24), bool), "small")


@pytest.fixture
def reads(monkeypatch):
    """How often channels and features were read."""
    counts = {"scene_tensors": 0, "with_features": 0}

    def counted(name):
        read = getattr(base, name)

        def count(*arguments):
            counts[name] += 1
            return read(*arguments)

        return count

    for name in counts:
        monkeypatch.setattr(base, name, counted(name))
    return counts


def test_channels_and_features_are_read_once(reads, cube):
    inputs = SceneInputs(prepared_scene(20, 24), cube)
    assert reads == {"scene_tensors": 0, "with_features": 0}
    assert inputs.channels is inputs.channels
    assert reads == {"scene_tensors": 1, "with_features": 0}
    assert inputs.tensors is inputs.tensors
    assert reads == {"scene_tensors": 1, "with_features": 1}
    assert inputs.tensors.channels.data_ptr() == inputs.channels.channels.data_ptr()
    assert inputs.tensors.level_channels == (5,)
    assert inputs.channels.level_channels == ()


def test_without_a_cube_the_tensors_are_the_channels(reads):
    inputs = SceneInputs(prepared_scene(20, 24))
    assert inputs.tensors is inputs.channels
    assert reads == {"scene_tensors": 1, "with_features": 0}
    assert inputs.tensors.modality_channels == CHANNELS


def test_the_channels_are_those_of_the_scene():
    scene = prepared_scene(20, 24)
    found = SceneInputs(scene).channels
    for name, part in found.modalities.items():
        assert torch.equal(found.channels[part], torch.from_numpy(scene[name].to_numpy()))


@dataclass
class Configured:
    config: dict


def test_a_model_that_held_out_blocks_left_unguided_reads_no_features():
    assert reads_features(Configured({}))
    assert reads_features(Configured({"decision": {"guidance": None}}))
    assert reads_features(Configured({"decision": {"guidance": {"kept": True}}}))
    assert not reads_features(Configured({"decision": {"guidance": {"kept": False}}}))
