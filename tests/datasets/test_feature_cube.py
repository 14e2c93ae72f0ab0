"""Feature cubes as versions: one file on disk, however many runs share it."""

import os

import numpy as np
import pytest
from kedro.io import DatasetError

from bdgf.core.errors import ArtifactError
from bdgf.datasets.feature_cube import FeatureCubeDataset
from bdgf.features.external import write_feature_cube
from tests.datasets.small_versions import at


@pytest.fixture
def cube(tmp_path):
    features = np.random.default_rng(0).normal(size=(3, 6, 5))
    return write_feature_cube(tmp_path / "made.h5", {0: features}, np.ones((6, 5), bool), "small")


def test_a_version_is_the_cube_itself(tmp_path, cube):
    dataset = at(FeatureCubeDataset, tmp_path / "cube.h5", "a")
    dataset.save(cube)
    loaded = dataset.load()
    assert loaded.path != cube.path
    assert loaded.path.samefile(cube.path)
    assert loaded.fingerprint == cube.fingerprint
    np.testing.assert_array_equal(loaded.read(0), cube.read(0))


def test_a_version_outlives_the_cube_that_it_was_made_of(tmp_path, cube):
    dataset, kept = at(FeatureCubeDataset, tmp_path / "cube.h5", "a"), cube.read(0)
    dataset.save(cube)
    cube.path.unlink()
    np.testing.assert_array_equal(dataset.load().read(0), kept)


def test_where_linking_is_impossible_it_is_a_copy(tmp_path, cube, monkeypatch):
    def refuse(*_):
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    dataset = at(FeatureCubeDataset, tmp_path / "cube.h5", "a")
    dataset.save(cube)
    assert not dataset.load().path.samefile(cube.path)
    np.testing.assert_array_equal(dataset.load().read(0), cube.read(0))


def test_loading_opens_nothing_and_damage_is_told_when_it_is_read(tmp_path, cube):
    dataset = at(FeatureCubeDataset, tmp_path / "cube.h5", "a")
    dataset.save(cube)
    loaded = dataset.load()
    content = loaded.path.read_bytes()
    loaded.path.write_bytes(content[: len(content) // 2])
    again = dataset.load()
    with pytest.raises(ArtifactError, match=r"cube\.h5 is damaged"):
        again.read(0)


def test_without_a_version_there_is_nothing_to_load(tmp_path):
    dataset = FeatureCubeDataset(filepath=str(tmp_path / "cube.h5"))
    assert not dataset.exists()
    with pytest.raises(DatasetError):
        at(FeatureCubeDataset, tmp_path / "cube.h5", None).load()
