import numpy as np
import pytest
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene
from bdgf.scenes.scene import georeference, valid_mask
from tests.data.fabricate import write_raster
from tests.data.small_scene import (
    DSM,
    HSI,
    LABELS,
    PLACE,
    TEST,
    TRAIN,
    load,
    npy_config,
    raster_scene,
    shifted,
)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_the_order_of_axes_is_found(tmp_path, axes):
    np.testing.assert_array_equal(load(tmp_path, hsi=HSI.transpose(axes))["hsi"], HSI)


def test_shapes_that_differ_are_named(tmp_path):
    with pytest.raises(SceneError, match=r"dsm\.npy is 24x20 pixels but labels\.npy is 20x24"):
        load(tmp_path, labels=LABELS.T)
    with pytest.raises(SceneError, match=r"dsm\.npy is 24x20 pixels but hsi\.npy is 23x20x6"):
        load(tmp_path, hsi=HSI[1:])
    with pytest.raises(SceneError, match=r"dsm\.npy is 480, not rows x columns"):
        load(tmp_path, dsm=DSM.ravel())


def test_three_axes_alone_follow_the_published_shape(tmp_path):
    pixels = {"form": "pixels", "file": "train.npy"}
    config = npy_config(shape=(24, 20), labels={"file": "labels.npy"}, official_train=pixels)
    config["official_test"] = {"form": "pixels", "file": "test.npy"}
    config["modalities"]["dsm"]["file"] = "hsi.npy"
    scene = load(
        tmp_path,
        config,
        hsi=HSI.transpose(2, 0, 1),
        labels=LABELS[None],
        train=np.argwhere(TRAIN),
        test=np.argwhere(TEST),
    )
    np.testing.assert_array_equal(scene["hsi"], HSI)
    np.testing.assert_array_equal(scene["official_train"], TRAIN)


def test_transforms_that_differ_in_the_ninth_decimal_are_one_grid(tmp_path):
    scene = raster_scene(tmp_path, dsm=shifted(1e-6))
    crs, transform = georeference(scene)
    assert crs.to_epsg() == 32632
    assert tuple(transform)[:6] == PLACE["transform"]


def test_really_different_grids_are_both_named(tmp_path):
    with pytest.raises(SceneError, match=r"grids of hsi\.tif and dsm\.tif lie up to 0\.25 pixels"):
        raster_scene(tmp_path, dsm=shifted(0.25))


def test_other_pixel_sizes_are_found_at_the_far_corner(tmp_path):
    a, b, c, d, e, f = PLACE["transform"]
    with pytest.raises(SceneError, match=r"grids of hsi\.tif and labels\.tif lie up to 0\.02 "):
        raster_scene(tmp_path, labels={"transform": (a * 1.001, b, c, d, e, f)})


def test_other_reference_systems_are_both_named(tmp_path):
    with pytest.raises(SceneError, match=r"hsi\.tif is in EPSG:32632 but dsm\.tif in EPSG:32633"):
        raster_scene(tmp_path, dsm={"crs": "EPSG:32633"})


def mirrored(values, down, right):
    a, b, c, d, e, f = PLACE["transform"]
    rows, columns = values.shape[:2]
    place = (a * right, b, c + a * columns * (right < 0), d, e * down, f + e * rows * (down < 0))
    return values[::down, ::right], {"transform": place}


@pytest.mark.parametrize(("down", "right"), [(-1, 1), (1, -1), (-1, -1)])
def test_mirrored_grids_are_turned_as_the_first_with_the_north_up(tmp_path, down, right, caplog):
    values, place = mirrored(DSM, down, right)
    scene = raster_scene(tmp_path, arrays={"dsm": values}, dsm=place)
    np.testing.assert_array_equal(scene["dsm"][..., 0], DSM)
    assert tuple(georeference(scene)[1])[:6] == PLACE["transform"]
    assert "no georeference" not in caplog.text
    values, place = mirrored(HSI, down, right)
    place["nodata"] = float(values[3, 4, 2])
    scene = raster_scene(tmp_path, arrays={"hsi": values}, hsi=place)
    np.testing.assert_array_equal(scene["labels"], LABELS)
    assert tuple(georeference(scene)[1])[:6] == PLACE["transform"]
    invalid = np.argwhere(~valid_mask(scene))
    assert invalid.tolist() == [
        [3 if down > 0 else -4 + HSI.shape[0], 4 if right > 0 else HSI.shape[1] - 5]
    ]


def test_a_file_without_a_place_beside_mirrored_ones_is_warned_of(tmp_path, caplog):
    values, place = mirrored(DSM, -1, 1)
    nowhere = {"crs": None, "transform": None}
    raster_scene(tmp_path, arrays={"dsm": values}, dsm=place, labels=nowhere)
    assert "labels.tif has no georeference" in caplog.text


def test_files_without_a_position_join_those_with_one(tmp_path):
    scene = raster_scene(tmp_path, labels={"crs": None, "transform": None})
    assert georeference(scene)[0].to_epsg() == 32632


@pytest.mark.parametrize("other", ["EPSG:32632+3855", "EPSG:32632"])
def test_a_vertical_part_does_not_count(tmp_path, other):
    for first in ("hsi", "dsm"):
        scene = raster_scene(tmp_path, **{first: {"crs": other}})
        assert georeference(scene)[0].to_epsg() == 32632


def test_systems_that_differ_in_their_horizontal_part_stay_apart(tmp_path):
    with pytest.raises(SceneError, match=r"hsi\.tif is in EPSG:32632 but dsm\.tif in EPSG:32633"):
        raster_scene(tmp_path, dsm={"crs": "EPSG:32633+3855"})


@pytest.mark.parametrize("first", ["hsi", "dsm"])
def test_degrees_without_a_system_are_those_of_the_others(tmp_path, first):
    name, values = {"hsi": ("hsi", HSI), "dsm": ("dsm", DSM[..., None])}[first]
    rows, columns = DSM.shape
    places = {
        "lat": 51 - 0.25 * (np.arange(rows) + 0.5),
        "lon": 8 + 0.25 * (np.arange(columns) + 0.5),
    }
    cube = xr.Dataset({"v": (("lat", "lon", "band"), values)}, places)
    cube.to_netcdf(tmp_path / "degrees.nc", engine="h5netcdf")
    config = npy_config(official_train=None, official_test=None)
    config["modalities"][name]["file"] = "degrees.nc"
    grid = {"transform": (0.25, 0, 8, 0, -0.25, 51)}
    for other in {"hsi", "dsm", "labels"} - {name}:
        config_of = config["labels"] if other == "labels" else config["modalities"][other]
        config_of["file"] = f"{other}.tif"

    def read(crs):
        for other, array in {"hsi": HSI, "dsm": DSM, "labels": LABELS}.items():
            write_raster(tmp_path / f"{other}.tif", array, **grid, crs=crs)
        return read_scene("mine", parse_scene_config("mine", config), [tmp_path])

    scene = read("EPSG:4258")
    np.testing.assert_array_equal(scene[name], values)
    assert georeference(scene)[0].to_epsg() == 4258
    with pytest.raises(SceneError, match=r"is in EPSG:32632 but degrees\.nc in EPSG:4326"):
        read("EPSG:32632")


def test_files_of_one_image_are_turned_alike(tmp_path, caplog):
    caplog.set_level("INFO")
    south, place = mirrored(HSI[..., :2], -1, 1)
    write_raster(tmp_path / "south.tif", south, **(PLACE | place))
    write_raster(tmp_path / "north.tif", HSI[..., 2:], **PLACE)
    config = npy_config()
    config["modalities"]["hsi"]["file"] = ["south.tif", "north.tif"]
    np.testing.assert_array_equal(load(tmp_path, config)["hsi"], HSI)
    assert "south.tif: turned upside down, as north.tif lies" in caplog.text


def test_a_flattened_image_is_told_so(tmp_path):
    with pytest.raises(SceneError, match="flattened to a list of pixels"):
        load(tmp_path, hsi=HSI.reshape(-1, HSI.shape[2]))
    with pytest.raises(SceneError, match=r"same rows and columns$"):
        load(tmp_path, hsi=HSI[1:])
