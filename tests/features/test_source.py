"""Features of one window in memory."""

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.features.scene_tensors import scene_tensors
from bdgf.features.source import WindowFeatures
from tests.diffusion.small_scene import prepared_scene

MAPS = {1: np.ones((3, 10, 12), np.float16), 0: np.zeros((2, 20, 24), np.float16)}


def test_they_are_read_as_those_of_a_cube():
    features = WindowFeatures((20, 24), MAPS)
    assert features.levels == [0, 1]
    assert features.read(1, slice(2, 5)).shape == (3, 3, 12)
    arrays = scene_tensors(prepared_scene(20, 24), features)
    assert arrays.level_channels == (2, 3)
    np.testing.assert_array_equal(arrays.features[1], MAPS[1])


def test_those_of_another_window_are_refused():
    with pytest.raises(SceneError, match=r"features of a window is of a scene of \(20, 24\)"):
        scene_tensors(prepared_scene(24, 24), WindowFeatures((20, 24), MAPS))
