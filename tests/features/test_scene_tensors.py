"""A scene in memory."""

import numpy as np
import pytest
import torch

from bdgf.core.errors import SceneError
from bdgf.features.external import write_feature_cube
from bdgf.features.scene_tensors import scene_tensors, with_features
from tests.diffusion.small_scene import CHANNELS, prepared_scene


def cube(path, shape):
    rng = np.random.default_rng(0)
    coarse = tuple(-(-side // 2) for side in shape)
    features = {0: rng.normal(3, 2, (5, *shape)), 1: rng.random((7, *coarse))}
    return write_feature_cube(path, features, np.ones(shape, bool), "small")


def test_channels_follow_one_another_by_modality_and_lie_channels_last():
    scene = prepared_scene(13, 9)
    found = scene_tensors(scene)
    stacked = np.concatenate([scene[name].to_numpy() for name in CHANNELS])
    np.testing.assert_array_equal(found.channels, stacked)
    assert found.modality_channels == CHANNELS
    assert found.channels.stride() == (1, 9 * 7, 7)
    assert found.features == ()


def test_features_come_with_their_statistics_by_level(tmp_path):
    made = cube(tmp_path / "cube.h5", (13, 9))
    found = scene_tensors(prepared_scene(13, 9), made)
    assert found.level_channels == (5, 7)
    for level in (0, 1):
        assert found.features[level].dtype == torch.float16
        assert found.features[level].stride()[0] == 1
        np.testing.assert_array_equal(found.features[level], made.read(level))
        mean, std = made.moments(level)
        np.testing.assert_array_equal(found.feature_mean[level], mean)
        np.testing.assert_array_equal(found.feature_std[level], std)


def test_features_are_added_without_a_copy_of_the_channels(tmp_path):
    plain = scene_tensors(prepared_scene(13, 9))
    both = with_features(plain, cube(tmp_path / "cube.h5", (13, 9)))
    assert both.channels is plain.channels
    assert plain.features == ()


def test_a_cube_of_another_size_is_refused(tmp_path):
    with pytest.raises(SceneError, match=r"of \(13, 9\) pixels, not \(9, 13\); run the pipeline"):
        scene_tensors(prepared_scene(9, 13), cube(tmp_path / "cube.h5", (13, 9)))
