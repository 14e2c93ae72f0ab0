"""The files that a scene's numbers come from."""

import os

import numpy as np

from bdgf.scenes.ingest.files_behind import files_behind
from tests.data.fabricate import write_raster
from tests.data.small_scene import PLACE

VRT = """<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1">
<SimpleSource><SourceFilename relativeToVRT="1">parts/part.tif</SourceFilename>
<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"""


def names(folder, *paths):
    found = files_behind([folder / path for path in paths])
    return {os.path.relpath(name, folder.resolve()) for name, _, _ in found}


def test_what_belongs_to_a_file_counts_and_nothing_else(tmp_path):
    for name in (
        *("a.tif", "a.tif.aux.xml", "a.tif.msk", "a.tfw", "ab.tif", "b.tif", "a_mask.tif"),
        *("cube.hdr", "cube.dat", "fields.v2.shp", "fields.v2.dbf", "fields.shp"),
    ):
        (tmp_path / name).write_text(name)
    assert names(tmp_path, "a.tif") == {"a.tif", "a.tif.aux.xml", "a.tif.msk", "a.tfw"}
    assert names(tmp_path, "cube.hdr") == {"cube.hdr", "cube.dat"}
    assert names(tmp_path, "fields.v2.shp") == {"fields.v2.shp", "fields.v2.dbf"}
    every = files_behind([tmp_path / "a.tif", tmp_path / "b.tif", tmp_path / "a.tif"])
    assert len(every) == 5
    assert every == files_behind([tmp_path / "b.tif", tmp_path / "a.tif"])


def test_the_sources_of_a_vrt_count_with_what_belongs_to_them(tmp_path):
    (tmp_path / "parts").mkdir()
    write_raster(tmp_path / "parts" / "part.tif", np.ones((4, 4), np.uint8), **PLACE)
    (tmp_path / "parts" / "part.tfw").write_text("1")
    (tmp_path / "image.vrt").write_text(VRT)
    outer = VRT.replace("parts/part.tif", "image.vrt")
    (tmp_path / "outer.vrt").write_text(outer)
    there = {"image.vrt", "parts/part.tif", "parts/part.tfw"}
    assert names(tmp_path, "image.vrt") == there
    assert names(tmp_path, "outer.vrt") == {*there, "outer.vrt"}


def test_the_files_of_a_zarr_store_count(tmp_path):
    for name in ("a.zarr/zarr.json", "a.zarr/v/c/0", "b.zarr/zarr.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    (tmp_path / "a.tif").write_text("1")
    assert names(tmp_path, "a.zarr") == {"a.zarr/zarr.json", "a.zarr/v/c/0", "a.tif"}
    assert names(tmp_path, "a.tif") == {"a.tif"}


def test_size_and_time_are_told(tmp_path):
    path = tmp_path / "a.tif"
    path.write_text("1234")
    os.utime(path, ns=(5, 7))
    assert files_behind([path]) == [(str(path.resolve()), 4, 7)]
