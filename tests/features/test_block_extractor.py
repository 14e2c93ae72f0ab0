"""What the features of one region are."""

import numpy as np
import pytest
import torch

from bdgf.diffusion.schedule import NoiseSchedule, ScheduleSettings
from bdgf.features.extraction import FeatureSettings, extract_features
from tests.diffusion.small_scene import CHANNELS, prepared_scene
from tests.features.small_extraction import extract, same, small_weights


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_features_are_the_decoder_activations_of_the_noisy_scene(tmp_path, fabric, share):
    from bdgf.diffusion.unet import decoder_features, load_denoiser
    from bdgf.features.noise_field import NoiseField

    scene = prepared_scene(40, 48, nodata=False)
    cube = extract(
        tmp_path / "cube.h5", fabric, scene=scene, timesteps=(7, 200), noise=share, noise_seed=3
    )
    x0 = torch.from_numpy(np.concatenate([scene[name].to_numpy() for name in CHANNELS]))[None]
    noise = share * torch.from_numpy(NoiseField(7, 3).region(slice(0, 40), slice(0, 48)))[None]
    t = torch.tensor([200])
    x_t = NoiseSchedule(ScheduleSettings()).q_sample(x0, noise, t)
    visible = torch.from_numpy(scene.valid.to_numpy()).float().expand(1, 3, -1, -1)
    with torch.no_grad():
        maps = decoder_features(load_denoiser(small_weights()), x_t, t, visible, [0, 1])
    for level in (0, 1):
        second = cube.read(level)[cube.channels[level] // 2 :]
        np.testing.assert_allclose(second, maps[level][0].numpy(), rtol=2e-3, atol=2e-3)


def test_nodata_is_seen_as_nodata(tmp_path, fabric):
    scene = prepared_scene()
    changed = scene.copy(deep=True)
    for name in CHANNELS:
        changed[name] = changed[name].where(changed.valid > 0, 1e4)
    one = extract(tmp_path / "one.h5", fabric, scene=scene)
    assert same(one, extract(tmp_path / "other.h5", fabric, scene=changed))


def test_a_scene_smaller_than_a_training_tile(tmp_path, fabric):
    cube = extract(tmp_path / "cube.h5", fabric, scene=prepared_scene(5, 3, nodata=False))
    assert cube.read(0).shape == (16, 5, 3)
    assert cube.read(1).shape == (32, 3, 2)


def test_large_activations_are_clipped_to_float16(tmp_path, fabric):
    cube = extract(tmp_path / "cube.h5", fabric, weights=small_weights(scale=1e6))
    assert np.isfinite(cube.read(0)).all()
    assert np.abs(cube.read(0)).max() == np.finfo(np.float16).max


def test_hidden_modalities_do_not_reach_the_features(tmp_path, fabric):
    scene = prepared_scene()
    other = scene.copy(deep=True)
    other["sar"] = -other["sar"]
    shown = ["optical", "height"]
    settings = FeatureSettings(timesteps=(50,), halo=24)

    def seen(scene, number, visible):
        path = tmp_path / f"{number}.h5"
        return extract_features(
            small_weights(), scene, settings, path, fabric=fabric, visible=visible
        )

    hidden = seen(scene, 0, shown)
    assert same(hidden, seen(other, 1, shown))
    everything_shown = seen(scene, 2, None)
    assert not same(everything_shown, seen(other, 3, None))
    assert not same(everything_shown, hidden)
    assert hidden.fingerprint != everything_shown.fingerprint
    assert seen(scene, 4, list(CHANNELS)).fingerprint == everything_shown.fingerprint
