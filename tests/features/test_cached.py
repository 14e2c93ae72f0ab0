import logging

import numpy as np

from bdgf.diffusion.pretraining.pretrain import PretrainSettings, pretrain
from bdgf.features.cached import extract_scene_features
from bdgf.features.extraction import FeatureSettings
from bdgf.training.devices import DeviceSettings
from tests.diffusion.pretraining.test_pretrain import TINY
from tests.diffusion.small_scene import CHANNELS, prepared_scene

CPU = DeviceSettings(accelerator="cpu")


def test_a_pretrained_denoiser_gives_features_of_its_scene(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    scene = prepared_scene()
    weights = pretrain(scene, PretrainSettings(**TINY), 0, devices=CPU)
    chosen = FeatureSettings(timesteps=(50, 100), tile=16)
    cube = extract_scene_features(weights, scene, chosen, tmp_path / "cube.h5", devices=CPU)
    assert "extracting diffusion features: 12 tiles in" in caplog.text
    assert cube.channels == {0: 16, 1: 32}
    assert all(np.isfinite(cube.read(level)).all() for level in cube.levels)
    caplog.clear()
    again = extract_scene_features(weights, scene, chosen, tmp_path / "cube.h5", devices=CPU)
    assert again.fingerprint == cube.fingerprint
    assert "reusing the feature cube" in caplog.text
    assert "tiles in" not in caplog.text


def test_every_modality_has_its_channels_in_the_weights():
    weights = pretrain(prepared_scene(), PretrainSettings(**TINY), 0, devices=CPU)
    assert weights.config["modalities"] == CHANNELS
    assert weights.config["modality_order"] == list(CHANNELS)
