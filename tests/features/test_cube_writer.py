"""Cubes written tile by tile."""

import numpy as np

from bdgf.features.cube import FeatureCube
from bdgf.features.cube_writer import CubeLayout, FeatureCubeWriter
from tests.features.small_cube import layout, write_tile


def test_an_unfinished_cube_is_continued_and_another_one_replaced(tmp_path, caplog):
    caplog.set_level("INFO")
    path = tmp_path / "cube.h5"
    write_tile(FeatureCubeWriter(path, layout()), 0)
    assert FeatureCubeWriter(path, layout()).done.tolist() == [True, False]
    assert "1 of 2 tiles are there" in caplog.text
    assert FeatureCubeWriter(path, layout("beef")).done.tolist() == [False, False]
    (tmp_path / "cube.h5.part").write_bytes(b"damaged")
    assert FeatureCubeWriter(path, layout()).done.tolist() == [False, False]
    assert "is damaged; starting anew" in caplog.text


def test_a_constant_channel_has_a_usable_deviation(tmp_path):
    writer = FeatureCubeWriter(tmp_path / "cube.h5", CubeLayout("a", "s", (4, 4), (1,), {0: 1}, 1))
    writer.write(0, (0, 0), {0: np.full((1, 4, 4), 3, np.float16)}, {0: np.ones((4, 4), bool)})
    writer.finish()
    assert [float(v[0]) for v in FeatureCube(writer.path).moments(0)] == [3, 1]
