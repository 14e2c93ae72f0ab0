import numpy as np

from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene
from bdgf.scenes.ingest.reading_record import ReadingRecord
from bdgf.scenes.readers.reading_limits import ReadingSettings


def test_types_as_stored_files_and_each_layer_s_holes(tmp_path):
    rng = np.random.default_rng(0)
    optical = rng.integers(1, 900, (20, 30, 4)).astype(np.uint16)
    height = rng.normal(size=(20, 30))
    height[:5] = np.nan
    np.save(tmp_path / "optical.npy", optical)
    np.save(tmp_path / "height.npy", height)
    np.save(tmp_path / "gt.npy", rng.integers(0, 3, (20, 30)).astype(np.int8))
    config = parse_scene_config(
        "small",
        {
            "modalities": {
                "optical": {"kind": "spectral", "file": "optical.npy"},
                "height": {"kind": "auxiliary", "file": "height.npy"},
            },
            "labels": {"file": "gt.npy"},
        },
    )
    record = ReadingRecord()
    read_scene("small", config, [tmp_path], ReadingSettings(isolated=False), record)
    assert record.files == {
        "optical": (tmp_path / "optical.npy",),
        "height": (tmp_path / "height.npy",),
        "labels": (tmp_path / "gt.npy",),
    }
    assert record.dtypes == {"optical": ("uint16",), "height": ("float64",), "labels": ("int8",)}
    assert record.no_data == {"optical": 0.0, "height": 0.25}
