import h5py
import numpy as np
import pytest

from bdgf.core.digests import check_at_load, digest_path
from bdgf.core.errors import ArtifactError, MissingArtifactError, SceneError
from bdgf.features.cube import FeatureCube
from bdgf.features.cube_writer import FeatureCubeWriter
from tests.features.small_cube import (
    CHANNELS,
    SHAPE,
    layout,
    level_validity,
    level_values,
    write_tile,
)


def test_a_cube_gives_back_what_was_written(tmp_path):
    writer = FeatureCubeWriter(tmp_path / "deep" / "cube.h5", layout())
    writer.write_normalisation(np.ones((2, 2, 3), np.float32))
    for number in (0, 1):
        write_tile(writer, number)
    assert not writer.path.exists()
    writer.finish()
    cube = FeatureCube(writer.path)
    assert (cube.fingerprint, cube.scene, cube.shape) == ("f00d", "small", SHAPE)
    assert (cube.timesteps, cube.levels, cube.channels) == ((50, 100), [0, 1], CHANNELS)
    assert np.array_equal(cube.normalisation(), np.ones((2, 2, 3)))
    for level in cube.levels:
        expected = level_values(level)
        assert cube.read(level).dtype == np.float16
        assert np.array_equal(cube.read(level), expected)
        assert np.array_equal(cube.read(level, slice(2, 5)), expected[:, 2:5])
        cells = expected[:, level_validity(level)].astype(np.float64)
        mean, std = cube.moments(level)
        np.testing.assert_allclose(mean, cells.mean(axis=1), atol=1e-6)
        np.testing.assert_allclose(std, cells.std(axis=1), atol=1e-6)
    names = {file.name for file in writer.path.parent.iterdir()}
    assert names == {"cube.h5", "cube.h5.sha256"}


def test_errors_name_the_file_and_the_remedy(tmp_path):
    with pytest.raises(MissingArtifactError, match=r"no feature cube at .*cube.h5; run `kedro"):
        _ = FeatureCube(tmp_path / "cube.h5").levels
    (tmp_path / "damaged.h5").write_bytes(b"nothing")
    with pytest.raises(ArtifactError, match=r"damaged.h5 is damaged.*delete it"):
        FeatureCube(tmp_path / "damaged.h5").read(0)
    writer = FeatureCubeWriter(tmp_path / "cube.h5", layout())
    writer.finish()
    with pytest.raises(SceneError, match=r"has no level 7, only 0, 1; change features.levels"):
        FeatureCube(writer.path).read(7)
    with h5py.File(writer.path, "r+") as file:
        file.attrs["complete"] = False
    with pytest.raises(ArtifactError, match=r"cube\.h5 is not as it was written"):
        _ = FeatureCube(writer.path).shape
    digest_path(writer.path).unlink()
    with pytest.raises(ArtifactError, match=r"cube\.h5\.sha256 is missing"):
        _ = FeatureCube(writer.path).shape
    with pytest.raises(ArtifactError, match="is not complete"):
        _ = FeatureCube(writer.path, digest_required=False).shape


def test_a_file_is_compared_with_its_digest_once(tmp_path, monkeypatch):
    writer = FeatureCubeWriter(tmp_path / "cube.h5", layout())
    writer.finish()
    checked = []
    monkeypatch.setattr(
        "bdgf.features.cube.check_digests", lambda files, required: checked.append(files)
    )
    cube = FeatureCube(writer.path)
    assert not checked
    for level in cube.levels:
        cube.read(level)
    assert checked == [[writer.path]]


def test_a_chunk_that_is_damaged_later_is_told_when_it_is_read(tmp_path):
    writer = FeatureCubeWriter(tmp_path / "cube.h5", layout())
    for number in (0, 1):
        write_tile(writer, number)
    writer.finish()
    cube = FeatureCube(writer.path)
    cube.check()
    content = bytearray(writer.path.read_bytes())
    place = content.index(level_values(1)[0, 0].tobytes())
    content[place] ^= 1
    writer.path.write_bytes(content)
    assert np.array_equal(cube.read(0), level_values(0))
    with pytest.raises(ArtifactError, match=r"the feature cube .*cube\.h5 is damaged"):
        cube.read(1)
    check_at_load(False)
    try:
        with pytest.raises(ArtifactError, match=r"the feature cube .*cube\.h5 is damaged"):
            FeatureCube(writer.path).read(1)
    finally:
        check_at_load(True)
