"""A scene is read from memory where it fits, else from its files, and both say the same."""

import numpy as np
import pytest
from rasterio.transform import from_origin

from bdgf.core.errors import SceneError
from bdgf.core.machine_memory import GIB
from bdgf.scenes.ingest import tile_tally
from bdgf.scenes.ingest.file_windows import FileWindows
from bdgf.scenes.ingest.open_scene import open_scene
from bdgf.scenes.ingest.read_scene import IngestSettings
from bdgf.scenes.scene_windows import DatasetWindows
from tests.scenes.ingest.test_file_windows import CONFIG, SHAPE, opened, raw, write
from tests.scenes.ingest.test_streamed_scene import TILED, cut, told_of_tiles

__all__ = ["raw"]


def test_what_can_only_be_read_whole_is(raw):
    named = {**CONFIG["modalities"], "optical": {**CONFIG["modalities"]["optical"], "axes": None}}
    assert isinstance(opened(raw, 0.0, modalities=named), FileWindows)
    np.save(raw / "height.npy", np.random.default_rng(1).random(SHAPE).astype(np.float32))
    plain = {**CONFIG["modalities"], "height": {"kind": "auxiliary", "file": "height.npy"}}
    assert isinstance(opened(raw, 0.0, modalities=plain), DatasetWindows)


def resampled(raw):
    place = from_origin(500_000, 5_000_000, 7, 7)
    height = np.random.default_rng(1).random((60, 77)).astype(np.float32)
    write(raw / "finer.tif", height, transform=place)
    height = {"kind": "auxiliary", "file": "finer.tif", "resample": "average"}
    return {"modalities": {**CONFIG["modalities"], "height": height}, "grid": "optical"}


def test_a_resampled_layer_is_read_whole_and_said_so(raw, caplog):
    caplog.set_level("INFO", "bdgf")
    assert isinstance(opened(raw, 0.0, **resampled(raw)), DatasetWindows)
    assert "finer.tif is resampled to the grid of the scene" in caplog.text
    assert "it is read whole" in caplog.text


def test_a_resampled_scene_beyond_the_limit_is_refused_in_one_line(raw):
    # Each file fits, and all layers as float32 do not.
    settings = IngestSettings(folders=(str(raw.parent),), most_gib=30_000 / GIB)
    with pytest.raises(SceneError) as caught:
        open_scene("field", {**CONFIG, **resampled(raw)}, settings, 0.0)
    line = str(caught.value)
    assert "\n" not in line
    for words in ("finer.tif is resampled", "gdalwarp", "--params ingest.most_gib=1"):
        assert words in line


def test_a_fabricated_scene_is_made_whole():
    settings = IngestSettings(folders=("nowhere",))
    demo = open_scene("demo", {"fabricate": {"size": 48, "bands": 8}}, settings, 0.0)
    assert isinstance(demo, DatasetWindows)


@pytest.mark.parametrize(("brighter", "rows"), [(0, 64), (1, 64), (1, 5)])
def test_where_tiles_differ_is_told_as_in_memory(raw, monkeypatch, caplog, brighter, rows):
    caplog.set_level("INFO", "bdgf")
    monkeypatch.setattr(tile_tally, "rows_within", lambda values: rows)
    modalities = {name: dict(told) for name, told in CONFIG["modalities"].items()}
    for name in TILED:
        cut(raw / f"{name}.tif", f"{name}_tile", brighter)
        modalities[name]["file"] = f"{name}_tile_*.tif"
    told = {"modalities": modalities, "grid": "optical"}
    settings = IngestSettings(folders=(str(raw.parent),), isolated=False)
    assert isinstance(open_scene("field", {**CONFIG, **told}, settings, 1.0), DatasetWindows)
    in_memory = told_of_tiles(caplog)
    caplog.clear()
    assert isinstance(open_scene("field", {**CONFIG, **told}, settings, 0.0), FileWindows)
    assert told_of_tiles(caplog) == in_memory
    assert len(in_memory) == (1 + brighter) * len(TILED)
