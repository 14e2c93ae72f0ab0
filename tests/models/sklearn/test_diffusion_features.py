"""A pixel's channels and diffusion features as a table, against the centres that windows give."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bdgf.core.errors import MissingArtifactError
from bdgf.features.cube import FeatureCube
from bdgf.features.external import write_feature_cube
from bdgf.features.scene_tensors import scene_tensors
from bdgf.models.sklearn.diffusion_features import ChannelsAndDiffusion
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.raster.patches import gather_batch, level_valid
from bdgf.scenes.scene import valid_mask
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene

SIZE = 45  # no multiple of a cell


@pytest.fixture(scope="module")
def prepared():
    scene = make_demo_scene(DemoSettings(size=64, bands=8)).isel(
        y=slice(0, SIZE), x=slice(0, SIZE - 3)
    )
    hole = scene["valid"].copy()
    hole[10:22, 5:19] = 0
    scene = scene.assign(valid=hole)
    return fit_preparation(scene, PreparationSettings()).apply(scene)


@pytest.fixture(scope="module")
def cube(prepared, tmp_path_factory) -> FeatureCube:
    rng = np.random.default_rng(0)
    height, width = valid_mask(prepared).shape
    levels = {
        level: rng.normal(size=(3 + level, -(-height // 2**level), -(-width // 2**level)))
        for level in range(3)
    }
    path: Path = tmp_path_factory.mktemp("cube") / "cube.h5"
    write_feature_cube(path, levels, valid_mask(prepared), "demo")
    return FeatureCube(path)


@pytest.mark.parametrize("rows", [slice(0, SIZE), slice(0, 1), slice(7, 8), slice(9, 30)])
def test_it_is_the_channels_and_what_windows_call_the_centres(prepared, cube, rows):
    wanted = np.zeros_like(valid_mask(prepared))
    wanted[rows] = valid_mask(prepared)[rows]
    found = ChannelsAndDiffusion().table(prepared, cube)(wanted)
    assert found.dtype == np.float32

    arrays = scene_tensors(prepared, cube)
    valid = level_valid(torch.from_numpy(valid_mask(prepared)), 3)
    at = (torch.from_numpy(index) for index in np.nonzero(wanted))
    centres = gather_batch(arrays, valid, *at, 3, levels=3, centres=True).centres
    raw = torch.cat(list(centres), dim=1).numpy()
    channels = stack_channels(prepared)[0][:, wanted].T
    np.testing.assert_array_equal(found[:, : channels.shape[1]], channels)
    np.testing.assert_allclose(found[:, channels.shape[1] :], raw, rtol=1e-5, atol=1e-6)


def test_without_features_it_says_what_to_run(prepared):
    with pytest.raises(MissingArtifactError, match="kedro run --pipeline=features"):
        ChannelsAndDiffusion().table(prepared, None)
