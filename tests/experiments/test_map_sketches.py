"""Maps of runs, kept small."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bdgf.experiments.map_sketches import MapSketch, read_sketch, write_sketch
from bdgf.raster.georeferencing import with_georeference
from bdgf.scenes.classes import ClassTable
from tests.data.small_scene import PLACE

SKETCH = MapSketch(
    np.array([[0, 1], [2, 2]], np.uint8), np.array([[0, 1], [0, 2]], np.uint8),
    ClassTable.of(["water", "trees"]), 480.0,
)  # fmt: skip


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    write_sketch(tmp_path, "f", SKETCH)
    found = read_sketch(tmp_path, "f")
    assert found is not None
    np.testing.assert_array_equal(found.class_map, SKETCH.class_map)
    np.testing.assert_array_equal(found.labels, SKETCH.labels)
    assert (found.classes, found.metres_across) == (SKETCH.classes, 480.0)
    assert [path.name for path in tmp_path.iterdir()] == ["f.map.npz"]


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_one_that_is_missing_or_damaged_is_done_without(
    tmp_path: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_sketch(tmp_path, "f") is None
    write_sketch(tmp_path, "f", SKETCH)
    path = tmp_path / "f.map.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content[:kept])
    assert read_sketch(tmp_path, "f") is None
    assert "without it" in caplog.text


def test_a_large_map_is_thinned_and_its_width_is_not() -> None:
    from affine import Affine

    shape = (2, 400, 900)
    probabilities = np.zeros(shape, np.float32)
    probabilities[1, 200:] = 1
    probabilities[0, :200] = 1
    table = [{"id": 1, "name": "a", "color": "#000000"}, {"id": 2, "name": "b", "color": "#ffffff"}]
    predictions = xr.Dataset(
        {
            "probabilities": (("class", "y", "x"), probabilities),
            "labels": (("y", "x"), np.ones(shape[1:], np.uint8)),
            "valid": (("y", "x"), np.ones(shape[1:], np.uint8)),
        },
        attrs={"classes": json.dumps(table), "scene": "x"},
    )
    predictions = with_georeference(predictions, PLACE["crs"], Affine(*PLACE["transform"]))
    sketch = MapSketch.of(predictions)
    assert sketch.class_map.shape == (134, 300)
    assert sketch.class_map[0, 0] == 1
    assert sketch.class_map[-1, 0] == 2
    assert sketch.metres_across == pytest.approx(9000, rel=1e-3)
