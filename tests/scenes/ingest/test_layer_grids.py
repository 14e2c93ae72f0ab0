"""Which grid is the scene's, and which layers come onto it from their own."""

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.warp import Resampling, reproject

from bdgf.core.errors import SceneError
from bdgf.raster.windows import Window
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.file_windows import FileWindows
from bdgf.scenes.ingest.open_scene import open_scene
from bdgf.scenes.ingest.read_scene import IngestSettings, read_scene
from bdgf.scenes.readers.reading_limits import ReadingSettings
from bdgf.scenes.scene import georeference, valid_mask
from tests.data.fabricate import write_raster
from tests.data.small_scene import DSM, HSI, LABELS, PLACE, TEST, TRAIN, changed

A, B, C, D, E, F = PLACE["transform"]


def cells(size, x=0.0, y=0.0):
    return {"transform": (A * size, B, C + x, D, E * size, F + y)}


def coarse(values, size):
    """Every `size`-th value, so that the last cell may reach beyond the scene."""
    return values[::size, ::size]


def scene_of(folder, layers, settings=None, **top):
    """Reads hsi, dsm and labels, some of them written as `layers` says: name -> (values, place)."""
    sound = {"hsi": HSI, "dsm": DSM, "labels": LABELS, "train": TRAIN, "test": TEST}
    for name, values in sound.items():
        array, place = layers.get(name, (values, {}))
        write_raster(folder / f"{name}.tif", array, **(PLACE | place))
    return read(folder, settings, **top)


def read(folder, settings=None, suffix="tif", **top):
    config = parse_scene_config("mine", configuration(settings or {}, suffix, **top))
    reading = ReadingSettings(isolated=False)  # quicker; the files are sound
    return read_scene("mine", config, [folder], reading)


def configuration(settings, suffix, **top):
    return {
        "modalities": {
            "hsi": {"kind": "spectral", "file": f"hsi.{suffix}", **settings.get("hsi", {})},
            "dsm": {"kind": "auxiliary", "file": f"dsm.{suffix}", **settings.get("dsm", {})},
        },
        "labels": {"file": f"labels.{suffix}", **settings.get("labels", {})},
        "official_train": {"file": f"train.{suffix}", **settings.get("train", {})},
        "official_test": {"file": f"test.{suffix}", **settings.get("test", {})},
        "classes": [{"id": i, "name": n} for i, n in enumerate(("water", "grass", "road"), 1)],
        **top,
    }


@pytest.mark.parametrize("size", [2, 3, 5])
def test_larger_cells_on_the_same_lines_need_no_setting(tmp_path, size, caplog):
    caplog.set_level("INFO")
    scene = scene_of(tmp_path, {"dsm": (coarse(DSM, size), cells(size))})
    expected = coarse(DSM, size).repeat(size, axis=0).repeat(size, axis=1)[:24, :20]
    np.testing.assert_array_equal(scene["dsm"][..., 0], expected)
    np.testing.assert_array_equal(scene["hsi"], HSI)
    assert scene["dsm"].attrs["cell_size"] == size
    assert "cell_size" not in scene["hsi"].attrs
    assert tuple(georeference(scene)[1])[:6] == PLACE["transform"]
    assert f"dsm.tif: {-(-24 // size)}x{20 // size + (20 % size > 0)} cells of {size} x" in (
        caplog.text
    )


def test_the_finest_grid_is_the_scenes_even_of_an_auxiliary_image(tmp_path):
    scene = scene_of(tmp_path, {"hsi": (coarse(HSI, 2), cells(2))})
    expected = coarse(HSI, 2).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(scene["hsi"], expected)
    np.testing.assert_array_equal(scene["dsm"][..., 0], DSM)


def test_pixels_beyond_the_last_cell_have_no_data(tmp_path):
    scene = scene_of(tmp_path, {"dsm": (coarse(DSM, 5)[:4], cells(5))})
    assert not valid_mask(scene)[20:].any() or not scene["dsm"][20:].any()
    assert valid_mask(scene)[:20].all()


def test_nodata_and_mirrored_rows_of_larger_cells(tmp_path):
    values = changed(coarse(DSM, 2), (3, 4), -9999)
    south = (A * 2, B, C, D, -E * 2, F + E * 24)
    scene = scene_of(tmp_path, {"dsm": (values[::-1], {"transform": south, "nodata": -9999})})
    dsm = scene["dsm"].to_numpy()[..., 0]
    expected = changed(values, (3, 4), 0).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(dsm, expected)


def windows_of(folder, settings=None, **top):
    """The scene opened window by window, as large ones are."""
    reading = IngestSettings(folders=(str(folder.parent),), isolated=False)
    config = configuration(settings or {}, "tif", **top)
    return open_scene(folder.name, config, reading, resident_gib=0)


def test_windows_of_larger_cells_are_those_of_the_whole(tmp_path):
    values = changed(coarse(DSM, 5)[:4], (1, 2), -9999)
    layers = {
        "dsm": (values, cells(5) | {"nodata": -9999}),
        "labels": (coarse(LABELS, 2), cells(2)),
    }
    official = {"official_train": None, "official_test": None}
    scene = scene_of(tmp_path, layers, **official)
    opened = windows_of(tmp_path, **official)
    assert isinstance(opened, FileWindows)
    assert opened.shape == (24, 20)
    for rows, columns in (
        ((0, 24), (0, 20)),
        ((3, 9), (7, 8)),
        ((17, 24), (11, 20)),
        ((21, 23), (0, 4)),
    ):
        part = opened.read(Window(slice(*rows), slice(*columns)))
        whole = scene.isel(y=slice(*rows), x=slice(*columns))
        for name in ("hsi", "dsm", "valid"):
            np.testing.assert_array_equal(part[name], whole[name])
        assert part["dsm"].attrs == whole["dsm"].attrs
    np.testing.assert_array_equal(opened.labels()[0], scene["labels"])


def test_windows_of_tiles_are_those_of_the_whole(tmp_path):
    values = changed(coarse(HSI, 2), (4, 3, 2), -9999)
    scene_of(tmp_path, {})
    for row in (0, 5):
        for column in (0, 4):
            place = cells(2, x=A * 2 * column, y=E * 2 * row) | {"nodata": -9999}
            part = values[row : row + 7, column : column + (4 if row else 6)]  # they overlap
            write_raster(tmp_path / f"tile{row}_{column}.tif", part, **(PLACE | place))
    settings = {"hsi": {"file": "tile*.tif"}}
    scene, opened = read(tmp_path, settings), windows_of(tmp_path, settings)
    assert isinstance(opened, FileWindows)
    for rows, columns in (((0, 24), (0, 20)), ((3, 9), (7, 8)), ((11, 24), (9, 20))):
        part = opened.read(Window(slice(*rows), slice(*columns)))
        whole = scene.isel(y=slice(*rows), x=slice(*columns))
        for name in ("hsi", "dsm", "valid"):
            np.testing.assert_array_equal(part[name], whole[name])
    digest = opened.digest()
    (tmp_path / "tile5_4.tif").touch()
    assert windows_of(tmp_path, settings).digest() != digest


def test_scenes_with_resampled_layers_are_read_whole(tmp_path):
    shifted = {"dsm": (DSM, {"transform": (A, B, C + 4, D, E, F)})}
    settings = {"dsm": {"resample": "nearest"}}
    scene = scene_of(tmp_path, shifted, settings)
    opened = windows_of(tmp_path, settings)
    assert not isinstance(opened, FileWindows)
    np.testing.assert_array_equal(opened.read(Window.of_shape((24, 20)))["dsm"], scene["dsm"])


def test_labels_in_larger_cells_are_repeated(tmp_path):
    size = 2
    place = cells(size)
    maps = {
        "labels": coarse(LABELS, size),
        "train": coarse(TRAIN, size),
        "test": coarse(TEST, size),
    }
    scene = scene_of(tmp_path, {name: (values, place) for name, values in maps.items()})
    for name, key in {
        "labels": "labels",
        "train": "official_train",
        "test": "official_test",
    }.items():
        expected = maps[name].repeat(size, axis=0).repeat(size, axis=1)
        np.testing.assert_array_equal(scene[key], expected)


@pytest.mark.parametrize("mask", [None, "none"])
def test_pixels_without_a_label_cell_are_unlabelled_whatever_the_mask_says(tmp_path, mask):
    layers = {"labels": (coarse(LABELS, 5)[:4], cells(5))}
    settings = {"labels": {"mask": mask}} if mask else {}
    scene = scene_of(tmp_path, layers, settings, official_train=None, official_test=None)
    expected = coarse(LABELS, 5)[:4].repeat(5, axis=0).repeat(5, axis=1)
    np.testing.assert_array_equal(scene["labels"][:20], expected)
    assert not scene["labels"][20:].any()


def test_files_without_a_place_need_the_size_of_their_cells(tmp_path):
    for name, values in {"hsi": HSI, "labels": LABELS, "train": TRAIN, "test": TEST}.items():
        np.save(tmp_path / f"{name}.npy", values)
    np.save(tmp_path / "dsm.npy", coarse(DSM, 2))
    with pytest.raises(SceneError, match=r"2 pixels wide, say `modalities\.dsm\.cell_size: 2`"):
        read(tmp_path, suffix="npy")
    scene = read(tmp_path, {"dsm": {"cell_size": 2}}, suffix="npy")
    expected = coarse(DSM, 2).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(scene["dsm"][..., 0], expected)
    with pytest.raises(SceneError, match=r"12x10 cells of 3 pixels, which do not cover the 24x20"):
        read(tmp_path, {"dsm": {"cell_size": 3}}, suffix="npy")
    np.save(tmp_path / "hsi.npy", coarse(HSI, 2).transpose(2, 0, 1))
    np.save(tmp_path / "dsm.npy", DSM)
    scene = read(tmp_path, {"hsi": {"cell_size": 2}}, suffix="npy")
    expected = coarse(HSI, 2).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(scene["hsi"], expected)


def test_a_cell_size_that_the_places_contradict_is_refused(tmp_path):
    layers = {"dsm": (coarse(DSM, 2), cells(2, x=5))}
    with pytest.raises(SceneError, match=r"`modalities\.dsm\.resample` is"):
        scene_of(tmp_path, layers, {"dsm": {"cell_size": 2}})


ELSEWHERE = {
    "larger cells": {"crs": "EPSG:32632", "transform": (25, 0, C - 10, 0, -25, F + 30)},
    "rotated": {"crs": "EPSG:32632", "transform": (12, 3, C - 40, 3, -12, F + 5)},
    "a vertical part": {"crs": "EPSG:32632+3855", "transform": (25, 0, C - 10, 0, -25, F + 30)},
    "degrees": {"crs": "EPSG:4326", "transform": (2e-4, 0, 8.9995, 0, -1.5e-4, 45.1539)},
    "the next zone": {"crs": "EPSG:32633", "transform": (20, 0, 28_200, 0, -20, 5_017_700)},
}


@pytest.mark.parametrize("method", ["bilinear", "average", "nearest"])
@pytest.mark.parametrize("where", list(ELSEWHERE))
def test_other_grids_are_resampled_when_it_is_said_how(tmp_path, where, method, caplog):
    caplog.set_level("INFO")
    place = ELSEWHERE[where]
    rng = np.random.default_rng(3)
    values = rng.normal(50, 10, (30, 35)).astype(np.float32)
    values[10:13, 5:12] = -9999
    layers = {"dsm": (values, place | {"nodata": -9999})}
    with pytest.raises(SceneError, match=r"hsi\.tif.*`modalities\.dsm\.resample` is `bilinear`, "):
        scene_of(tmp_path, layers)
    scene = scene_of(tmp_path, layers, {"dsm": {"resample": method}})
    expected = np.full(DSM.shape, np.nan, np.float32)
    reproject(
        np.where(values == -9999, np.nan, values),
        expected,
        src_transform=georeference_of(tmp_path / "dsm.tif"),
        src_crs=CRS.from_string(place["crs"].partition("+")[0]),
        src_nodata=np.nan,
        dst_transform=georeference(scene)[1],
        dst_crs=CRS.from_epsg(32632),
        dst_nodata=np.nan,
        resampling=Resampling[method],
    )
    assert np.isfinite(expected).any()
    np.testing.assert_array_equal(scene["dsm"][..., 0], np.nan_to_num(expected))
    assert f"resampled ({method}) onto the scene's grid from 30x35 cells" in caplog.text


def georeference_of(path):
    import rasterio

    with rasterio.open(path) as source:
        return source.transform


def test_the_grid_of_a_named_layer_is_the_scenes(tmp_path):
    finer = DSM.repeat(3, axis=0).repeat(3, axis=1)
    layers = {"dsm": (finer, {"transform": (A / 3, B, C, D, E / 3, F)})}
    assert scene_of(tmp_path, layers)["hsi"].shape == (72, 60, 6)
    with pytest.raises(SceneError, match=r"`modalities\.dsm\.resample` is `bilinear`, `average`"):
        scene_of(tmp_path, layers, grid="hsi")
    for top in ({}, {"grid": "hsi"}):
        scene = scene_of(tmp_path, layers, {"dsm": {"resample": "average"}}, **top)
        np.testing.assert_allclose(scene["dsm"][..., 0], DSM, rtol=1e-6)
        np.testing.assert_array_equal(scene["hsi"], HSI)
    shifted = {"hsi": (HSI, {"transform": (A, B, C + 4, D, E, F)})}
    scene = scene_of(tmp_path, shifted, {"hsi": {"resample": "nearest"}}, grid="dsm")
    np.testing.assert_array_equal(scene["dsm"][..., 0], DSM)
    np.testing.assert_array_equal(scene["hsi"], HSI)


def test_labels_elsewhere_take_the_nearest(tmp_path):
    finer = LABELS.repeat(2, axis=0).repeat(2, axis=1)
    layers = {"labels": (finer, {"transform": (A / 2, B, C, D, E / 2, F)})}
    official = {"official_train": None, "official_test": None}
    with pytest.raises(SceneError, match=r"`labels\.resample` is `nearest`$"):
        scene_of(tmp_path, layers, **official)
    scene = scene_of(tmp_path, layers, {"labels": {"resample": "nearest"}}, **official)
    np.testing.assert_array_equal(scene["labels"], LABELS)
    west = {"labels": (LABELS, {"transform": (A, B, C - 50, D, E, F)})}
    scene = scene_of(tmp_path, west, {"labels": {"resample": "nearest"}}, **official)
    np.testing.assert_array_equal(scene["labels"][:, :-5], LABELS[:, 5:])
    assert not scene["labels"][:, -5:].any()


@pytest.mark.parametrize(
    ("layers", "settings", "top", "message"),
    [
        (
            {"dsm": (DSM, {"crs": "EPSG:32633"})},
            {"dsm": {"resample": "nearest"}},
            {},
            r"'dsm' from dsm\.tif has no data anywhere on the scene's grid",
        ),
        (
            {"labels": (LABELS, {"transform": (A, B, C + 1e4, D, E, F)})},
            {"labels": {"resample": "nearest"}},
            {},
            r"labels from labels\.tif lies wholly outside",
        ),
        (
            {},
            {"hsi": {"resample": "nearest"}, "dsm": {"resample": "nearest"}},
            {},
            r"each modality has `resample` or `cell_size`",
        ),
        (
            {"dsm": (DSM, {"crs": None, "transform": None})},
            {"dsm": {"resample": "nearest"}},
            {},
            r"`modalities\.dsm\.resample` needs the places of both grids, but dsm\.tif has none",
        ),
        (
            {"dsm": (DSM, {"crs": None, "transform": None})},
            {"dsm": {"file": "nothing.tif", "optional": True}},
            {"grid": "dsm"},
            r"`grid` names 'dsm', whose files are not there",
        ),
        (
            {"dsm": (coarse(DSM, 2), cells(2))},
            {"hsi": {"file": ["hsi.tif", "dsm.tif"]}},
            {},
            r"dsm\.tif is 12x10 pixels but hsi\.tif 24x20; the files of one image lie on one grid",
        ),
        (
            {"dsm": (DSM, {"transform": (A, B, C + 5, D, E, F)})},
            {},
            {},
            r"0\.5 pixels apart; .*`modalities\.hsi\.resample` or `modalities\.dsm\.resample`$",
        ),
    ],
)
def test_what_does_not_come_onto_one_grid_is_one_line(tmp_path, layers, settings, top, message):
    with pytest.raises(SceneError, match=message) as caught:
        scene_of(tmp_path, layers, settings, **top)
    assert "\n" not in str(caught.value)
