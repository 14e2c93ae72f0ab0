"""Scenes cut in parts, and models carried from one to the other, on the smallest settings."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from benchmarks.accuracy_records import MEASURES, parameters_of
from benchmarks.cut_scene import GAP, cut_scene
from benchmarks.transfer import MIDDLE, NORTH, SOUTH, WHOLE, measure_transfer, summary
from rasterio.transform import from_origin

import bdgf
from bdgf.core.errors import SettingsError
from bdgf.raster.georeferencing import georeference
from bdgf.scenes.config import SceneConfig, parse_scene_config
from bdgf.scenes.scene import LABELS, class_table, modality_names
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene

SIDE, CELL = 80, 10.0


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    """The scene that is cut."""
    return make_demo_scene(DemoSettings(size=SIDE, bands=8, nodata_corner=0))


@pytest.fixture(scope="module")
def files(whole: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene as GeoTIFFs."""
    folder = tmp_path_factory.mktemp("whole")
    for name in (*modality_names(whole), LABELS):
        values = whole[name].to_numpy()
        values = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
        with rasterio.open(
            folder / f"{name}.tif",
            "w",
            driver="GTiff",
            count=len(values),
            height=SIDE,
            width=SIDE,
            dtype=values.dtype,
            crs="EPSG:32632",
            transform=from_origin(0, SIDE * CELL, CELL, CELL),
        ) as raster:
            raster.write(values)
    return folder


@pytest.fixture(scope="module")
def config(whole: xr.Dataset) -> SceneConfig:
    """How these files are described."""
    told = class_table(whole)
    names = zip(told.ids, told.names, strict=True)
    return parse_scene_config(
        "whole",
        {
            "modalities": {
                name: {"kind": whole[name].attrs["kind"], "units": "x", "file": f"{name}.tif"}
                for name in modality_names(whole)
            },
            "labels": {"file": "labels.tif"},
            "classes": [{"id": number, "name": name} for number, name in names],
        },
    )


def test_halves_are_the_scene(
    whole: xr.Dataset, files: Path, config: SceneConfig, tmp_path: Path
) -> None:
    parts = [
        bdgf.open_scene(cut_scene(config, [files], part, tmp_path / name))
        for name, part in (("north", NORTH), ("south", SOUTH))
    ]
    for name in modality_names(whole):
        assert np.array_equal(np.concatenate([part[name] for part in parts]), whole[name])
    assert list(modality_names(parts[0])) == list(modality_names(whole))  # denoisers go by it
    crs, transform = georeference(parts[1])
    assert crs is not None
    assert transform is not None
    assert transform.f == SIDE * CELL / 2


def test_classes_go_by_their_names(
    whole: xr.Dataset, files: Path, config: SceneConfig, tmp_path: Path
) -> None:
    labels = whole[LABELS].to_numpy()
    for name, part, rows in (
        ("north", NORTH, slice(0, SIDE // 2)),
        ("south", SOUTH, slice(SIDE // 2, SIDE)),
    ):
        scene = bdgf.open_scene(cut_scene(config, [files], part, tmp_path / name))
        table = class_table(scene)
        assert table.ids == tuple(range(1, table.count + 1))
        for told in config.classes:
            expected = labels[rows] == told.id
            assert expected.any() == (told.name in table.names)
            if told.name in table.names:
                found = scene[LABELS].to_numpy() == table.ids[table.names.index(told.name)]
                assert np.array_equal(found, expected)


def test_no_label_near_the_target_trains(
    whole: xr.Dataset, files: Path, config: SceneConfig, tmp_path: Path
) -> None:
    there = whole[LABELS].to_numpy() > 0
    crop = cut_scene(config, [files], WHOLE, tmp_path / "around", MIDDLE)
    left = bdgf.open_scene(crop)[LABELS].to_numpy() > 0
    near = np.zeros_like(there)
    near[SIDE // 4 - GAP : 3 * SIDE // 4 + GAP, SIDE // 4 - GAP : 3 * SIDE // 4 + GAP] = True
    assert (there & near).any()
    assert np.array_equal(left, there & ~near)
    half = cut_scene(config, [files], NORTH, tmp_path / "north", SOUTH)
    left = bdgf.open_scene(half)[LABELS].to_numpy() > 0
    assert not left[-GAP:].any()
    assert np.array_equal(left[:-GAP], there[: SIDE // 2 - GAP])


def test_a_scene_that_is_not_of_geotiffs_is_refused(tmp_path: Path) -> None:
    config = parse_scene_config(
        "odd", {"modalities": {"optical": {"kind": "spectral", "file": "optical.mat"}}}
    )
    with pytest.raises(SettingsError, match="optical is not one GeoTIFF"):
        cut_scene(config, [tmp_path], NORTH, tmp_path / "north")


@pytest.mark.parametrize("model", ["random_forest", pytest.param("bdgf", marks=pytest.mark.slow)])
def test_a_model_is_trained_on_one_half_and_maps_the_other(
    files: Path, config: SceneConfig, tmp_path: Path, model: str
) -> None:
    parameters = parameters_of("demo", "test")
    parameters["baselines"]["random_forest"]["trees"] = 10
    north = cut_scene(config, [files], NORTH, tmp_path / "north", SOUTH)
    south = cut_scene(config, [files], SOUTH, tmp_path / "south")
    found = list(measure_transfer(north, south, model, 0, parameters, tmp_path))
    labelled = int((bdgf.open_scene(south)[LABELS] > 0).sum())
    assert [record["adapt"] for record in found] == ["none", "statistics"]
    assert len({record["overall_accuracy"] for record in found}) == 2
    for record in found:
        assert record["scored"] + record["unknown"] == labelled
        assert all(-1 <= record[key] <= 1 for key in MEASURES)
    run = {"scene": "demo", "transfer": "north to south"}
    lines = summary([{**run, **record} for record in found]).splitlines()
    assert len(lines) == 3
    assert lines[2].startswith(f"| demo | north to south | `{model}` |")
