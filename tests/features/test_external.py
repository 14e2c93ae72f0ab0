import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.features.external import external_cube, write_feature_cube
from bdgf.features.scene_tensors import scene_tensors
from tests.diffusion.small_scene import prepared_scene


def features(rows=40, columns=52):
    rng = np.random.default_rng(0)
    return {0: rng.normal(3, 2, (5, rows, columns)), 1: rng.random((7, rows // 2, columns // 2))}


def test_features_of_any_model_come_back_with_their_statistics(tmp_path):
    scene = prepared_scene()
    valid = scene.valid.to_numpy() > 0
    write_feature_cube(tmp_path / "mine.h5", features(), valid, "small")
    cube = external_cube(tmp_path / "mine.h5", scene)
    assert cube.channels == {0: 5, 1: 7}
    np.testing.assert_allclose(cube.read(0), features()[0], rtol=1e-3)
    seen = cube.read(0)[:, valid].astype(float)
    mean, std = cube.moments(0)
    np.testing.assert_allclose(mean, seen.mean(axis=1), rtol=1e-4)
    np.testing.assert_allclose(std, seen.std(axis=1), rtol=1e-4)
    assert scene_tensors(scene, cube).level_channels == (5, 7)


def test_other_features_have_another_fingerprint(tmp_path):
    valid = np.ones((40, 52), bool)
    one = write_feature_cube(tmp_path / "one.h5", features(), valid, "small").fingerprint
    changed = features()
    changed[1][0, 0, 0] += 1
    assert write_feature_cube(tmp_path / "two.h5", changed, valid, "small").fingerprint != one


def test_what_does_not_fit_is_refused(tmp_path):
    valid = np.ones((40, 52), bool)
    with pytest.raises(SceneError, match=r"level 1 .* must have \(channels, 20, 26\)"):
        write_feature_cube(tmp_path / "a.h5", {1: np.zeros((3, 40, 52))}, valid, "small")
    with pytest.raises(SceneError, match="beyond float16"), np.errstate(over="ignore"):
        write_feature_cube(tmp_path / "a.h5", {0: np.full((1, 40, 52), 1e9)}, valid, "small")
    assert not (tmp_path / "a.h5").exists()
    write_feature_cube(tmp_path / "b.h5", {0: np.zeros((3, 40, 52))}, valid, "small")
    with pytest.raises(SceneError, match="of a scene of"):
        external_cube(tmp_path / "b.h5", prepared_scene(20, 30))
