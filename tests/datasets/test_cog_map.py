"""Maps in the catalog as Cloud-Optimized GeoTIFFs."""

import numpy as np
import pytest
from kedro.io import DatasetError

from bdgf.datasets.cog_map import CogMapDataset, MapRows
from bdgf.raster.cog import MapForm

MAP = np.random.default_rng(0).integers(0, 3, (60, 80)).astype(np.uint8)
CLASSES = {1: ("water", "#0072b2"), 2: ("trees", "#009e73")}


def rows():
    for first in range(0, 60, 25):
        part = slice(first, min(first + 25, 60))
        yield part, MAP[None, part]


CONTENT = MapRows(MapForm("uint8", (60, 80), 0, classes=CLASSES), rows)


def test_it_is_saved_whole_and_loaded_by_parts(tmp_path):
    dataset = CogMapDataset(filepath=str(tmp_path / "class_map.tif"))
    dataset.save(CONTENT)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        *("class_map.tif", "class_map.tif.aux.xml", "class_map.qml", "class_map.tif.sha256"),
    }
    np.testing.assert_array_equal(dataset.load()[0, 10:20], MAP[10:20])
    assert dataset.size(CONTENT) == MAP.size


@pytest.mark.parametrize("name", ["class_map.tif", "class_map.tif.aux.xml", "class_map.qml"])
def test_a_changed_file_is_refused(tmp_path, name):
    dataset = CogMapDataset(filepath=str(tmp_path / "class_map.tif"))
    dataset.save(CONTENT)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match="not as it was written"):
        dataset.load()


def test_what_is_no_rows_is_refused(tmp_path):
    dataset = CogMapDataset(filepath=str(tmp_path / "class_map.tif"))
    dataset.save(CONTENT)
    with pytest.raises(DatasetError, match="saved from MapRows"):
        dataset.save(dataset.load())
