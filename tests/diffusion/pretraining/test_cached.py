"""One pretraining for all who ask for the same."""

import logging

import torch

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.diffusion.pretraining.cached import cached_denoiser
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.training.devices import make_fabric
from tests.diffusion.pretraining.test_pretrain import CPU, TINY, same
from tests.diffusion.small_scene import prepared_scene


def settings(**chosen):
    return PretrainSettings(**{**TINY, **chosen})


def test_going_back_and_forth_pretrains_each_setting_once(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    cache, scene = ArtifactCache(tmp_path, 4), prepared_scene()
    fixed = {"masking": {"strategy": "fixed"}}
    made = [cached_denoiser(scene, settings(**c), 0, cache, devices=CPU) for c in ({}, fixed)]
    found = [cached_denoiser(scene, settings(**c), 0, cache, devices=CPU) for c in ({}, fixed)]
    assert [one.reused for one in (*made, *found)] == [False, False, True, True]
    assert caplog.text.count("reusing the pretrained denoiser") == 2
    first, again = ([one.weights for one in ones] for ones in (made, found))
    assert [same(*pair) for pair in zip(first, again, strict=True)] == [True, True]
    assert first[0].config == again[0].config
    assert not same(*first)
    assert same(first[0], pretrain(PretrainingData.of(scene), settings(), 0, devices=CPU))
    assert not list(tmp_path.glob("*.ckpt"))


def test_a_damaged_denoiser_is_made_anew(tmp_path, caplog):
    cache, scene = ArtifactCache(tmp_path, 4), prepared_scene()
    first = cached_denoiser(scene, settings(), 0, cache, devices=CPU).weights
    (path,) = tmp_path.glob("*.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # a weight
    path.write_bytes(content)
    again = cached_denoiser(scene, settings(), 0, cache, devices=CPU)
    assert not again.reused
    assert same(first, again.weights)
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert str(path) in warning
    assert warning.endswith("it is pretrained again")
    assert cached_denoiser(scene, settings(), 0, cache, devices=CPU).reused


def test_no_steps_leave_a_random_network_in_which_every_path_is_open(tmp_path):
    cache, scene = ArtifactCache(tmp_path, 4), prepared_scene()
    one, other = (
        cached_denoiser(scene, settings(steps=0), seed, cache, devices=CPU).weights
        for seed in (0, 1)
    )
    assert not same(one, other)
    assert one.config["steps"] == 0
    closed = [n for n, t in one.tensors.items() if "conv" in n and n.endswith("weight")
              and not t.any()]  # fmt: skip
    assert closed == []
    path, fabric = tmp_path / "cube.h5", make_fabric(CPU)
    cube = extract_features(one, scene, FeatureSettings(timesteps=(50,)), path, fabric=fabric)
    assert torch.from_numpy(cube.read(0).astype("float32")).std() > 0
