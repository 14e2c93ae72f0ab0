import json
import logging

import numpy as np
import pytest
from rasterio.transform import Affine
from shapely.geometry import box

from bdgf.core.errors import SceneError
from bdgf.evaluation.scene_check.check import check_scene_files
from bdgf.scenes.ingest.read_scene import IngestSettings
from bdgf.splits.settings import SplitSettings
from tests.data.fabricate import write_raster
from tests.data.vectors import write_vectors
from tests.evaluation.scene_check.planted import demo, kinds, look


@pytest.fixture
def files(tmp_path):
    """A scene of files: its configuration, and a function that checks it."""
    scene = demo()
    folder = tmp_path / "small"
    folder.mkdir()
    place = {"crs": "EPSG:32632", "transform": Affine(10, 0, 690_000, 0, -10, 5_340_000)}
    write_raster(folder / "optical.tif", scene["optical"].to_numpy(), **place)
    write_raster(folder / "sar.tif", np.maximum(scene["sar"].to_numpy(), 1e-5), **place)
    write_raster(folder / "labels.tif", scene["labels"].to_numpy(), **place)
    configuration = {
        "title": "A small scene",
        "modalities": {
            "optical": {"kind": "spectral", "units": "reflectance", "file": "optical.tif"},
            "sar": {"kind": "auxiliary", "to_decibels": True, "file": "sar.tif"},
        },
        "labels": {"file": "labels.tif"},
        "source": {"sha256": {"sar.tif": "0" * 64}},
    }

    def check(changes=None, seen=None):
        settings = IngestSettings(folders=(str(tmp_path),), isolated=False)
        return check_scene_files(
            "small", configuration | (changes or {}), settings, SplitSettings(), 0, 11, seen
        )

    return folder, configuration, check


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_hurts_in_a_clean_scene(seed):
    assert not look(demo(seed)).findings


def test_files_are_told_with_their_types_and_digests(files):
    folder, _, check = files
    scene, report = check()
    assert {file.path.name: file.items for file in report.files} == {
        "optical.tif": ("optical",),
        "sar.tif": ("sar",),
        "labels.tif": ("labels",),
    }
    by_name = {file.path.name: file for file in report.files}
    assert by_name["optical.tif"].dtype == "float32"
    assert by_name["labels.tif"].dtype == "uint8"
    assert by_name["sar.tif"].size == (folder / "sar.tif").stat().st_size
    assert by_name["sar.tif"].digest_is == "another"
    assert by_name["labels.tif"].digest_is == "none configured"
    assert report.crs == "EPSG:32632"
    assert report.cell_size == (10, 10)
    assert report.shape == (scene.sizes["y"], scene.sizes["x"]) == (96, 96)


def test_the_warnings_of_reading_are_findings_and_told_once(files, caplog):
    with caplog.at_level(logging.WARNING):
        _, report = files[2]()
    reading = [f.text for f in report.findings if f.kind == "reading"]
    assert len(reading) == 1
    assert "sar.tif is not the published file" in reading[0]
    assert not caplog.records
    assert logging.getLogger("bdgf").propagate


def test_the_share_without_data_is_each_layer_s_own(files):
    folder, configuration, check = files
    values = np.maximum(demo()["sar"].to_numpy(), 1e-5)
    values[:24] = -1
    write_raster(folder / "sar.tif", values, crs="EPSG:32632",
                 transform=Affine(10, 0, 690_000, 0, -10, 5_340_000))  # fmt: skip
    modalities = dict(configuration["modalities"])
    modalities["sar"] = modalities["sar"] | {"nodata": -1}
    _, report = check({"modalities": modalities, "source": {}})
    assert {layer.name: layer.no_data for layer in report.layers} == {"optical": 0.0, "sar": 0.25}
    assert "holes" in {finding.kind for finding in report.findings}


def test_bands_are_told_by_the_numbers_that_exclude_takes(files):
    folder, configuration, check = files
    values = demo()["optical"].to_numpy()
    values[..., 7] = 0.25
    values[..., 9] = values[..., 4] * 1.5 + 0.01
    values[30, 30, 11] = 1e20
    place = {"crs": "EPSG:32632", "transform": Affine(10, 0, 690_000, 0, -10, 5_340_000)}
    write_raster(folder / "optical.tif", values, **place)
    modalities = dict(configuration["modalities"])
    modalities["optical"] = modalities["optical"] | {"exclude": ["0-2", 5]}
    _, report = check({"modalities": modalities, "source": {}})
    found = {finding.kind: finding.text for finding in report.findings}
    assert "band 7 (counted from 0) is constant" in found["constant_band"]
    assert "band 9 of optical as band 4 of optical" in found["duplicate_band"]
    assert "band 11 (counted from 0) holds 1e+20" in found["wild_pixels"]
    numbers = report.as_json()["modalities"]["optical"]["band_numbers"]
    assert numbers == [band for band in range(48) if band not in (0, 1, 2, 5)]


def test_tiles_and_polygons_are_files_too(files):
    folder, configuration, check = files
    values, place = demo()["optical"].to_numpy(), Affine(10, 0, 690_000, 0, -10, 5_340_000)
    for number, top in enumerate((0, 48)):
        part = values[top : top + 48]
        at = place @ Affine.translation(0, top)
        write_raster(folder / f"tile_{number}.tif", part, crs="EPSG:32632", transform=at)
    fields = [
        box(690_000, 5_339_500, 690_900, 5_340_000),
        box(690_000, 5_339_040, 690_900, 5_339_500),
    ]
    write_vectors(folder / "fields.gpkg", fields, ["wheat", "maize"], crs="EPSG:32632")
    modalities = dict(configuration["modalities"])
    modalities["optical"] = modalities["optical"] | {"file": "tile_*.tif"}
    labels = {"file": "fields.gpkg", "class_field": "crop"}
    _, report = check({"modalities": modalities, "labels": labels, "source": {}})
    assert {file.path.name: file.dtype for file in report.files} == {
        "tile_0.tif": "float32",
        "tile_1.tif": "float32",
        "sar.tif": "float32",
        "fields.gpkg": "polygons or points",
    }


def test_leakage_is_that_of_what_the_model_sees(files):
    check = files[2]
    _, far = check()
    _, near = check(seen=1)
    assert (far.split.patch, near.split.patch) == (11, 1)
    assert near.split.leakage == 0 < far.split.leakage
    assert {"leakage"} == {f.kind for f in far.findings} - {f.kind for f in near.findings}


def test_the_report_is_json(files):
    _, report = files[2]()
    read = json.loads(json.dumps(report.as_json()))
    assert read["modalities"]["optical"]["bands"] == 48
    assert len(read["modalities"]["optical"]["percentiles"]["50"]) == 48
    assert read["classes"][0]["labels"] == int((demo()["labels"].to_numpy() == 1).sum())
    assert read["cell_units"] == "m"
    assert read["split"]["name"] == "per_class"
    assert {f["kind"] for f in read["findings"]} == {"reading", "leakage"}
    assert read["shifts"][0]["second"] == "sar"
    assert read["files"][1]["published_sha256"] == "0" * 64


def test_what_cannot_be_read_is_an_error(files):
    (files[0] / "sar.tif").write_bytes(b"nothing")
    with pytest.raises(SceneError, match=r"sar\.tif"):
        files[2]()
    assert logging.getLogger("bdgf").propagate


def test_one_modality_is_enough_to_look_at():
    scene = demo()
    scene.attrs["modalities"] = json.dumps(["optical"])
    assert not kinds(scene.drop_vars(["height", "sar"]))
    assert np.isfinite(look(scene).layers[0].percentiles).all()
