"""Cubes written tile by tile."""

import h5py
import numpy as np
import pytest

from bdgf.core.digests import check_digests
from bdgf.features.cube import FeatureCube
from bdgf.features.cube_writer import CubeLayout, FeatureCubeWriter
from tests.features.small_cube import layout, level_values, write_tile


def test_an_unfinished_cube_is_continued_and_another_one_replaced(tmp_path, caplog):
    caplog.set_level("INFO")
    path = tmp_path / "cube.h5"
    write_tile(FeatureCubeWriter(path, layout()), 0)
    assert FeatureCubeWriter(path, layout()).done.tolist() == [True, False]
    assert "1 of 2 tiles are there" in caplog.text
    assert FeatureCubeWriter(path, layout("beef")).done.tolist() == [False, False]
    write_tile(FeatureCubeWriter(path, layout()), 0)
    (tmp_path / "cube.h5.part").write_bytes(b"damaged")
    assert FeatureCubeWriter(path, layout()).done.tolist() == [False, False]
    assert "starting again" in caplog.text


def test_a_constant_channel_has_a_usable_deviation(tmp_path):
    writer = FeatureCubeWriter(tmp_path / "cube.h5", CubeLayout("a", "s", (4, 4), (1,), {0: 1}, 1))
    writer.write(0, (0, 0), {0: np.full((1, 4, 4), 3, np.float16)}, {0: np.ones((4, 4), bool)})
    writer.finish()
    assert [float(v[0]) for v in FeatureCube(writer.path).moments(0)] == [3, 1]


NORMALISATION = np.arange(12, dtype=np.float32).reshape(2, 2, 3)


def begun(path):
    """A cube whose first tile is written."""
    writer = FeatureCubeWriter(path, layout())
    writer.write_normalisation(NORMALISATION)
    write_tile(writer, 0)
    return writer


def ended(path):
    """The same cube, whole, by a writer that takes up what is there."""
    writer = FeatureCubeWriter(path, layout())
    if writer.normalisation is None:
        writer.write_normalisation(NORMALISATION)
    for number in np.flatnonzero(~writer.done):
        write_tile(writer, number)
    writer.finish()
    return FeatureCube(path)


def test_equal_cubes_are_equal_files_without_time_stamps(tmp_path):
    whole = ended(tmp_path / "one" / "cube.h5")
    begun(tmp_path / "other" / "cube.h5")
    continued = ended(tmp_path / "other" / "cube.h5")
    assert whole.path.read_bytes() == continued.path.read_bytes()
    stamps = {}
    with h5py.File(whole.path) as file:
        file.visit(lambda name: stamps.update({name: h5py.h5g.get_objinfo(file[name].id).mtime}))
    assert stamps
    assert not any(stamps.values())


def test_a_cube_has_a_digest(tmp_path):
    path = ended(tmp_path / "cube.h5").path
    assert (tmp_path / "cube.h5.sha256").exists()
    check_digests([path])


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    return begun(tmp_path_factory.mktemp("begun") / "cube.h5").path.with_name("cube.h5.part")


@pytest.mark.parametrize("seed", range(8))
def test_damage_to_an_unfinished_cube_never_gets_into_the_whole_one(tmp_path, unfinished, seed):
    rng = np.random.default_rng(seed)
    content = unfinished.read_bytes()
    path, partial = tmp_path / "cube.h5", tmp_path / "cube.h5.part"
    for number in range(20):
        damaged = bytearray(content)
        place = int(rng.integers(len(content)))
        damaged[place] ^= 1 << rng.integers(8)
        partial.write_bytes(damaged[:place] if number % 4 == 0 else damaged)
        cube = ended(path)
        np.testing.assert_array_equal(cube.normalisation(), NORMALISATION)
        for level in cube.levels:
            np.testing.assert_array_equal(cube.read(level), level_values(level))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"values": 3, "digest": ""}'])
def test_a_frame_that_cannot_be_read_begins_anew(tmp_path, content, caplog):
    begun(tmp_path / "cube.h5")
    (tmp_path / "cube.h5.part.frame").write_bytes(content)
    assert not FeatureCubeWriter(tmp_path / "cube.h5", layout()).done.any()
    assert "starting again" in caplog.text


@pytest.mark.parametrize("name", ["features", "tile_sum", "tile_count", "mean", "tile_box"])
def test_a_tile_that_is_not_as_it_was_written_begins_anew(tmp_path, name, caplog):
    begun(tmp_path / "cube.h5")
    with h5py.File(tmp_path / "cube.h5.part", "r+") as file:  # in a way that no checksum sees
        values = file["level_0"][name]
        values[...] = values[...] + np.asarray(1, values.dtype)
    again = FeatureCubeWriter(tmp_path / "cube.h5", layout())
    assert again.done.tolist() == [name == "mean", False]  # `finish` writes that one
    assert ("starting again" in caplog.text) == (name != "mean")
