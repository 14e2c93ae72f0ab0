import numpy as np
import pytest
from rasterio.crs import CRS

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.grid import horizontal
from bdgf.scenes.scene import georeference, valid_mask
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
def test_mirrored_grids_are_turned_as_the_first_lies(tmp_path, down, right, caplog):
    values, place = mirrored(DSM, down, right)
    scene = raster_scene(tmp_path, arrays={"dsm": values}, dsm=place)
    np.testing.assert_array_equal(scene["dsm"][..., 0], DSM)
    assert tuple(georeference(scene)[1])[:6] == PLACE["transform"]
    assert "no place" not in caplog.text
    values, place = mirrored(HSI, down, right)
    place["nodata"] = float(values[3, 4, 2])
    scene = raster_scene(tmp_path, arrays={"hsi": values}, hsi=place)
    np.testing.assert_array_equal(scene["labels"], LABELS[::down, ::right])
    assert not valid_mask(scene)[3, 4]


def test_a_file_without_a_place_beside_mirrored_ones_is_warned_of(tmp_path, caplog):
    values, place = mirrored(DSM, -1, 1)
    nowhere = {"crs": None, "transform": None}
    raster_scene(tmp_path, arrays={"dsm": values}, dsm=place, labels=nowhere)
    assert "labels.tif has no place" in caplog.text


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


@pytest.mark.parametrize("code", ["EPSG:4979", "EPSG:4326"])
def test_three_dimensional_systems_lose_their_height(code):
    assert horizontal(CRS.from_string(code)).to_epsg() == 4326
