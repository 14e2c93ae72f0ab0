"""Tensors in files hold the numbers of those in memory."""

import numpy as np
import pytest
import torch

from bdgf.core.errors import SceneError
from bdgf.core.mapped_file import is_mapped
from bdgf.features import mapped_tensors as module
from bdgf.features.mapped_tensors import mapped_tensors
from bdgf.features.scene_tensors import scene_tensors
from tests.diffusion.small_scene import prepared_scene
from tests.features.test_scene_tensors import cube


@pytest.mark.parametrize("rows", [1, 5, 100])
def test_they_are_those_in_memory_and_lie_in_files(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(module, "rows_within", lambda values: rows)
    scene, made = prepared_scene(13, 9), cube(tmp_path / "cube.h5", (13, 9))
    wanted, found = scene_tensors(scene, made), mapped_tensors(scene, made, tmp_path)
    assert found.modality_channels == wanted.modality_channels
    for one, other in zip(
        (found.channels, *found.features), (wanted.channels, *wanted.features), strict=True
    ):
        assert one.stride() == other.stride()  # a gather takes no copy of it
        assert torch.equal(one, other)
    starts = [one.data_ptr() for one in (found.channels, *found.features)]
    assert [file.ctypes.data for file in found.files] == starts
    assert all(is_mapped(file) for file in found.files)
    for one, other in zip(found.feature_mean, wanted.feature_mean, strict=True):
        assert torch.equal(one, other)
    found.release()
    assert torch.equal(found.channels, wanted.channels)


def test_their_digest_tells_other_numbers(tmp_path):
    scene = prepared_scene(13, 9)
    first = mapped_tensors(scene, None, tmp_path).digest
    assert mapped_tensors(scene, None, tmp_path).digest == first
    doubled = scene.assign(optical=scene["optical"] * 2)
    assert mapped_tensors(doubled, None, tmp_path).digest != first


def test_a_cube_of_another_size_is_refused(tmp_path):
    made = cube(tmp_path / "cube.h5", (12, 9))
    with pytest.raises(SceneError, match=r"is of a scene of \(12, 9\) pixels"):
        mapped_tensors(prepared_scene(13, 9), made, tmp_path)
    assert np.all([path.name.startswith("cube") for path in tmp_path.iterdir()])
