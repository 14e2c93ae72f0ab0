"""A scene that is read while it is written is the scene that is read into memory."""

import itertools

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.windows import Window

from bdgf.core.errors import SceneError
from bdgf.raster.streamed import StreamedDataset
from bdgf.scenes.ingest import streamed_scene as module
from bdgf.scenes.ingest.read_scene import IngestSettings
from bdgf.scenes.ingest.streamed_scene import ingest_resident_or_streamed
from bdgf.scenes.tiles import TILES, tile_files
from tests.scenes.ingest.test_file_windows import CONFIG, raw, write

__all__ = ["raw"]

TILED = ("height", "optical")


def ingested(folder, gib, **more):
    settings = IngestSettings(folders=(str(folder.parent),), resident_gib=gib, isolated=False)
    return ingest_resident_or_streamed("field", {**CONFIG, **more}, settings)


@pytest.mark.parametrize("require", ["any", "all"])
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_it_is_the_scene_in_memory(raw, monkeypatch, require, rows):
    monkeypatch.setattr(module, "rows_within", lambda values: rows)
    whole = ingested(raw, 1.0, require=require)
    streamed = ingested(raw, 0.0, require=require)
    assert isinstance(whole, xr.Dataset)
    assert isinstance(streamed, StreamedDataset)
    xr.testing.assert_identical(streamed.load(), whole)


def test_official_maps_are_there_too(raw):
    rng = np.random.default_rng(1)
    for name in ("train", "test"):
        write(raw / f"{name}.tif", rng.integers(0, 4, (40, 53)).astype(np.uint8))
    maps = {"official_train": {"file": "train.tif"}, "official_test": {"file": "test.tif"}}
    whole, streamed = (ingested(raw, gib, labels=None, **maps) for gib in (1.0, 0.0))
    xr.testing.assert_identical(streamed.load(), whole)


def cut(path, name, brighter=0):
    """The raster in four tiles that overlap in rows; some columns are in none.

    The values of each tile are `brighter` than those of the tile before.
    """
    with rasterio.open(path) as source, rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        tops, lefts = (0, 17), (0, 30)
        for number, (top, left) in enumerate(itertools.product(tops, lefts)):
            height, width = min(23, source.height - top), min(25, source.width - left)
            part = Window(left, top, width, height)
            place = source.window_transform(part)
            more = {"nodata": source.nodata, "transform": place}
            if source.nodata is None and source.count == 1 and source.dtypes[0] == "float32":
                more["mask"] = source.read_masks(1, window=part)
            scales = source.scales if source.scales[0] != 1 else None
            values = source.read(window=part)
            values = (values + number * brighter).astype(values.dtype)
            write(path.with_name(f"{name}_{number}.tif"), values, scales=scales, **more)


@pytest.mark.parametrize("rows", [7, 64])
@pytest.mark.parametrize("tiled", [("optical",), ("height", "optical"), ("labels",)])
def test_tiles_and_which_a_pixel_is_of_are_those_in_memory(raw, monkeypatch, tiled, rows):
    monkeypatch.setattr(module, "rows_within", lambda values: rows)
    modalities = {name: dict(told) for name, told in CONFIG["modalities"].items()}
    labels = dict(CONFIG["labels"])
    for name in tiled:
        cut(raw / f"{name}.tif", f"{name}_tile")
        (labels if name == "labels" else modalities[name])["file"] = f"{name}_tile_*.tif"
    told = {"modalities": modalities, "labels": labels, "grid": "optical"}
    whole, streamed = (ingested(raw, gib, **told) for gib in (1.0, 0.0))
    assert isinstance(streamed, StreamedDataset)
    xr.testing.assert_identical(streamed.load(), whole)
    assert set(np.unique(whole[TILES])) == {0, 1, 2, 3, 4}
    assert tile_files(whole)[0].startswith("labels" if tiled == ("labels",) else "optical")


def told_of_tiles(caplog):
    words = ("tiles joined to", "lie in several tiles")
    return sorted(text for text in caplog.messages if any(word in text for word in words))


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_where_tiles_differ_is_told_as_in_memory(raw, monkeypatch, caplog, rows):
    caplog.set_level("INFO", "bdgf")
    monkeypatch.setattr(module, "rows_within", lambda values: rows)
    modalities = {name: dict(told) for name, told in CONFIG["modalities"].items()}
    for name in TILED:
        cut(raw / f"{name}.tif", f"{name}_tile", brighter=1)
        modalities[name]["file"] = f"{name}_tile_*.tif"
    told = {"modalities": modalities, "grid": "optical"}
    ingested(raw, 1.0, **told)
    in_memory = told_of_tiles(caplog)
    caplog.clear()
    ingested(raw, 0.0, **told).load()
    assert told_of_tiles(caplog) == in_memory
    assert len(in_memory) == 2 * len(TILED)


def test_wrong_labels_are_told_before_anything_is_written(raw):
    write(raw / "narrow.tif", np.ones((40, 50), np.uint8))
    with pytest.raises(SceneError, match="narrow"):
        ingested(raw, 0.0, labels={"file": "narrow.tif"})


def test_what_can_only_be_read_whole_is(raw):
    np.save(raw / "labels.npy", np.ones((40, 53), np.uint8))
    rng = np.random.default_rng(0)
    np.save(raw / "optical.npy", rng.random((40, 53, 4), np.float32))
    modalities = {**CONFIG["modalities"], "optical": {"kind": "spectral", "file": "optical.npy"}}
    assert isinstance(ingested(raw, 0.0, modalities=modalities), xr.Dataset)


@pytest.mark.parametrize(
    ("values", "word"), [(7.0, "is 7 everywhere"), (np.nan, "no pixel has data in all its bands")]
)
def test_what_is_no_image_is_refused_when_all_of_it_was_read(raw, values, word):
    write(raw / "flat.tif", np.full((40, 53), values, np.float32))
    modalities = {**CONFIG["modalities"], "flat": {"kind": "auxiliary", "file": "flat.tif"}}
    with pytest.raises(SceneError, match=word):
        ingested(raw, 0.0, modalities=modalities).load()
