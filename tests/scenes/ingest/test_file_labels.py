"""Labels of a scene in files: which files they are, and that rows are read where that is enough."""

import numpy as np
import pytest

from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest import file_labels
from bdgf.scenes.ingest.file_labels import label_paths
from bdgf.scenes.ingest.file_windows import FileWindows
from bdgf.scenes.ingest.source_files import SceneFolders
from bdgf.scenes.readers.reading_limits import ReadingSettings
from tests.data.fabricate import write_raster
from tests.data.small_scene import PLACE

LABELS = np.random.default_rng(0).integers(0, 4, (30, 20)).astype(np.uint8)


def config(**more):
    modalities = {"image": {"kind": "spectral", "file": "image.tif"}}
    return parse_scene_config("mine", {"modalities": modalities, **more})


@pytest.fixture
def folder(tmp_path):
    write_raster(tmp_path / "image.tif", np.ones((30, 20, 2), np.float32), **PLACE)
    write_raster(tmp_path / "labels.tif", LABELS, **PLACE)
    return tmp_path


def test_rows_are_read_where_a_map_is_plain_numbers(folder, monkeypatch):
    monkeypatch.setattr(file_labels, "_LABEL_ROWS", 7)
    monkeypatch.setattr(file_labels, "find_maps", lambda *_: pytest.fail("read whole"))
    reading = ReadingSettings(isolated=False)
    windows = FileWindows.open("mine", config(labels={"file": "labels.tif"}), [folder], reading)
    ids, classes = windows.labels()
    np.testing.assert_array_equal(ids, LABELS)
    assert classes.ids == (1, 2, 3)


def test_a_scene_without_labels_has_none(folder):
    reading = ReadingSettings(isolated=False)
    assert FileWindows.open("mine", config(), [folder], reading).labels() is None
    empty = config(labels={"file": "none.tif", "optional": True})
    windows = FileWindows.open("mine", empty, [folder], reading)
    assert not label_paths(windows._place(), empty)


def test_all_label_files_that_are_there_are_named(folder):
    write_raster(folder / "train.tif", LABELS, **PLACE)
    settings = config(
        labels={"sources": [{"file": "other.tif"}, {"file": "labels.tif"}]},
        official_train={"file": "train.tif"},
        official_test={"file": "test.tif"},
    )
    place = SceneFolders("mine", [folder], settings.source)
    assert [path.name for path in label_paths(place, settings)] == ["labels.tif", "train.tif"]
