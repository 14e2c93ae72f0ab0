"""One pretraining for all who ask for the same."""

import logging

import torch

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.diffusion.pretraining.cached import shared_denoiser
from bdgf.diffusion.pretraining.pretrain import PretrainSettings, pretrain
from bdgf.features.cached import shared_feature_cube
from bdgf.features.extraction import FeatureSettings
from bdgf.training.devices import DeviceSettings
from tests.diffusion.pretraining.test_pretrain import CPU, TINY, same
from tests.diffusion.small_scene import prepared_scene


def settings(**chosen):
    return PretrainSettings(**{**TINY, **chosen})


def test_going_back_and_forth_pretrains_each_setting_once(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    cache, scene = ArtifactCache(tmp_path, 4), prepared_scene()
    fixed = {"masking": {"strategy": "fixed"}}
    first = [shared_denoiser(scene, settings(**c), 0, cache, devices=CPU) for c in ({}, fixed)]
    assert "reusing" not in caplog.text
    again = [shared_denoiser(scene, settings(**c), 0, cache, devices=CPU) for c in ({}, fixed)]
    assert caplog.text.count("reusing the pretrained denoiser") == 2
    assert [same(*pair) for pair in zip(first, again, strict=True)] == [True, True]
    assert first[0].config == again[0].config
    assert not same(*first)
    assert same(first[0], pretrain(scene, settings(), 0, devices=CPU))
    assert not list(tmp_path.glob("*.ckpt"))


def test_a_damaged_denoiser_is_made_anew(tmp_path, caplog):
    cache, scene = ArtifactCache(tmp_path, 4), prepared_scene()
    first = shared_denoiser(scene, settings(), 0, cache, devices=CPU)
    (path,) = tmp_path.glob("*.safetensors")
    path.unlink()  # its tensors are mapped into this process
    path.write_bytes(b"damaged")
    assert same(first, shared_denoiser(scene, settings(), 0, cache, devices=CPU))
    assert str(path) in caplog.text


def test_no_steps_leave_a_random_network_in_which_every_path_is_open(tmp_path):
    cache, scene = ArtifactCache(tmp_path, 4), prepared_scene()
    one, other = (
        shared_denoiser(scene, settings(steps=0), seed, cache, devices=CPU) for seed in (0, 1)
    )
    assert not same(one, other)
    assert one.config["steps"] == 0
    closed = [n for n, t in one.tensors.items() if "conv" in n and n.endswith("weight")
              and not t.any()]  # fmt: skip
    assert closed == []
    cube = shared_feature_cube(one, scene, FeatureSettings(timesteps=(50,)), cache, devices=CPU)
    assert torch.from_numpy(cube.read(0).astype("float32")).std() > 0


def test_cubes_of_several_settings_stand_side_by_side(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    scene = prepared_scene()
    weights = shared_denoiser(scene, settings(), 0, ArtifactCache(tmp_path / "d", 4), devices=CPU)
    cache = ArtifactCache(tmp_path / "cubes", 4)

    def cube(*timesteps):
        return shared_feature_cube(
            weights, scene, FeatureSettings(timesteps=timesteps), cache, devices=DeviceSettings()
        )

    first = [cube(50).fingerprint, cube(50, 100).fingerprint]
    assert [cube(50).fingerprint, cube(50, 100).fingerprint] == first
    assert caplog.text.count("reusing the feature cube") == 2
    assert len(list(cache.folder.glob("*.h5"))) == 2
