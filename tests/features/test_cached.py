"""One extraction for all who ask for the same features."""

import logging

import numpy as np
import pytest

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.weights import Weights
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.features.cached import CachedCube, cached_feature_cube
from bdgf.features.extraction import FeatureSettings
from bdgf.training.devices import DeviceSettings
from tests.diffusion.pretraining.test_pretrain import TINY
from tests.diffusion.small_scene import CHANNELS, prepared_scene

CPU = DeviceSettings(accelerator="cpu")


@pytest.fixture(scope="module")
def denoiser() -> Weights:
    return pretrain(PretrainingData.of(prepared_scene()), PretrainSettings(**TINY), 0, devices=CPU)


def cube(denoiser: Weights, cache: ArtifactCache, *timesteps: int, seed: int = 0) -> CachedCube:
    settings = FeatureSettings(timesteps=timesteps, tile=16)
    return cached_feature_cube(denoiser, prepared_scene(seed=seed), settings, cache, devices=CPU)


def test_a_cube_is_extracted_once_and_taken_from_then_on(tmp_path, caplog, denoiser) -> None:
    caplog.set_level(logging.INFO)
    cache = ArtifactCache(tmp_path, 4)
    first = cube(denoiser, cache, 50, 100)
    assert not first.reused
    assert "extracting diffusion features: 12 tiles in" in caplog.text
    assert first.cube.channels == {0: 16, 1: 32}
    assert all(np.isfinite(first.cube.read(level)).all() for level in first.cube.levels)
    caplog.clear()
    again = cube(denoiser, cache, 50, 100)
    assert again.reused
    assert again.cube.fingerprint == first.cube.fingerprint
    assert "reusing the feature cube" in caplog.text
    assert "tiles in" not in caplog.text


def test_cubes_of_several_settings_and_scenes_stand_side_by_side(tmp_path, denoiser) -> None:
    cache = ArtifactCache(tmp_path, 4)
    wanted = [((50,), 0), ((50, 100), 0), ((50,), 1)]
    made = [cube(denoiser, cache, *steps, seed=seed) for steps, seed in wanted]
    found = [cube(denoiser, cache, *steps, seed=seed) for steps, seed in wanted]
    assert [one.reused for one in (*made, *found)] == [False] * 3 + [True] * 3
    assert [one.cube.path for one in made] == [one.cube.path for one in found]
    assert len({one.cube.path for one in made}) == 3


def test_a_damaged_cube_is_told_and_made_anew(tmp_path, caplog, denoiser) -> None:
    cache = ArtifactCache(tmp_path, 4)
    first = cube(denoiser, cache, 50)
    kept = first.cube.read(0)
    content = bytearray(first.cube.path.read_bytes())
    content[content.index(kept[0, 0].tobytes())] ^= 1  # a feature
    first.cube.path.write_bytes(content)
    again = cube(denoiser, cache, 50)
    assert not again.reused
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert str(first.cube.path) in warning
    assert warning.endswith("it is extracted again")
    assert cube(denoiser, cache, 50).reused
    np.testing.assert_array_equal(again.cube.read(0), kept)


def test_every_modality_has_its_channels_in_the_weights(denoiser) -> None:
    assert denoiser.config["modalities"] == CHANNELS
    assert denoiser.config["modality_order"] == list(CHANNELS)
