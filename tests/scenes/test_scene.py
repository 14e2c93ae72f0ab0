"""Scene: construction, checks, georeference."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from rasterio.crs import CRS

from bdgf.core.errors import SceneError
from bdgf.scenes.scene import (
    ClassTable,
    ModalityArray,
    check_scene,
    class_table,
    georeference,
    modality_names,
    new_scene,
    spectral_names,
    valid_mask,
)

CLASSES = ClassTable.of(["meadow", "rock"], ["#00ff00", "#808080"])


def modalities(height=4, width=5):
    rng = np.random.default_rng(0)
    return {
        "elevation": ModalityArray(rng.random((height, width)), "auxiliary", "m"),
        "optical": ModalityArray(rng.random((height, width, 3)), "spectral", "reflectance"),
        "sar": ModalityArray(rng.random((height, width, 2)), "auxiliary", "intensity", "log"),
    }


def labels(height=4, width=5):
    return np.arange(height * width).reshape(height, width) % 3


def test_spectral_modalities_come_first_and_attributes_are_kept():
    scene = new_scene("alp", modalities(), labels(), CLASSES)
    assert modality_names(scene) == ["optical", "elevation", "sar"]
    assert spectral_names(scene) == ["optical"]
    assert scene["elevation"].dims == ("y", "x", "band_elevation")
    assert scene["sar"].attrs["scale"] == "log"
    assert scene["elevation"].attrs["units"] == "m"
    assert scene["optical"].dtype == np.float32
    assert scene["labels"].dtype == np.uint8
    assert class_table(scene) == CLASSES
    assert georeference(scene) == (None, None)


def test_pixels_without_data_are_invalid_and_zero_in_every_modality():
    given = modalities()
    given["optical"].values[1, 2, 0] = np.nan
    given["sar"].values[0, 0, 1] = np.inf
    outside = np.ones((4, 5), bool)
    outside[3, 4] = False
    scene = new_scene("alp", given, labels(), CLASSES, valid=outside, require="all")
    expected = np.ones((4, 5), bool)
    expected[[1, 0, 3], [2, 0, 4]] = False
    np.testing.assert_array_equal(valid_mask(scene), expected)
    for name in modality_names(scene):
        assert (scene[name].to_numpy()[~expected] == 0).all()
    assert scene["labels"].to_numpy()[1, 2] == labels()[1, 2]


def test_labels_default_to_the_union_of_the_official_maps():
    train, test = np.zeros((4, 5), int), np.zeros((4, 5), int)
    train[0, 0], test[1, 1] = 1, 2
    scene = new_scene("alp", modalities(), None, CLASSES, official_train=train, official_test=test)
    np.testing.assert_array_equal(scene["labels"], train + test)


def test_without_labels_nothing_is_labelled_and_the_class_list_may_be_empty():
    scene = new_scene("alp", modalities(), None, ClassTable.of([]))
    assert scene["labels"].dtype == np.uint8
    assert not scene["labels"].any()
    assert class_table(scene).count == 0
    check_scene(scene)


def test_official_maps_win_over_labels_with_a_warning(caplog):
    train = np.zeros((4, 5), int)
    train[0, 0] = 2
    scene = new_scene("alp", modalities(), labels(), CLASSES, official_train=train)
    assert int(scene["labels"][0, 0]) == 2
    assert "differ on 1 pixels" in caplog.text


@pytest.mark.parametrize("decode", [True, "all"])
def test_georeference_survives_the_file(tmp_path, decode):
    transform = Affine(10.0, 0.0, 1 / 3, 0.0, -10.0, 2 / 3)
    scene = new_scene("a", modalities(), labels(), CLASSES, crs="EPSG:32632", transform=transform)
    scene.to_netcdf(tmp_path / "scene.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "scene.nc", engine="h5netcdf", decode_coords=decode) as read:
        assert georeference(read) == (CRS.from_epsg(32632), transform)
        check_scene(read)
    np.testing.assert_allclose(scene["x"], 1 / 3 + 10 * (np.arange(5) + 0.5))
    np.testing.assert_allclose(scene["y"], 2 / 3 - 10 * (np.arange(4) + 0.5))
    assert georeference(scene["labels"])[1] == transform


def test_a_rotated_grid_keeps_its_transform_without_coordinates():
    transform = Affine.rotation(30) @ Affine.scale(2.0)
    scene = new_scene("a", modalities(), labels(), CLASSES, transform=transform)
    assert georeference(scene) == (None, transform)
    assert "x" not in scene.coords


@pytest.mark.parametrize("name", ["optical", "sar"])
def test_one_modality_is_a_scene_whatever_its_kind(name):
    scene = new_scene("alp", {name: modalities()[name]}, labels(), CLASSES)
    assert modality_names(scene) == [name]
    assert spectral_names(scene) == [name] * (name == "optical")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": labels() + 1}, "labels holds 3, which the class list"),
        ({"labels": labels() - 1}, "labels holds -1"),
        ({"labels": labels() + 0.5}, "labels holds 0.5"),
        ({"labels": labels(5, 5)}, "optical is 4x5 pixels but labels is 5x5"),
        ({"official_test": np.full((4, 5), 9)}, "official_test holds 9"),
        ({"valid": np.zeros((4, 5))}, "no pixel has data"),
        ({"modalities": {}}, "no modality"),
        ({"modalities": {**modalities(), "labels": modalities()["sar"]}}, "cannot name a modality"),
        (
            {"modalities": {**modalities(), "dsm": ModalityArray(np.zeros(3), "auxiliary")}},
            r"modality dsm has the shape \(3,\)",
        ),
    ],
)
def test_what_does_not_fit_is_one_clear_line(change, message):
    arguments = {"modalities": modalities(), "labels": labels(), **change}
    with pytest.raises(SceneError, match=message) as error:
        new_scene("alp", classes=CLASSES, **arguments)
    assert "\n" not in str(error.value)


def test_a_band_without_any_data_is_named():
    given = modalities()
    given["optical"].values[..., 1] = np.nan
    with pytest.raises(
        SceneError, match=r"modality optical: band 1 \(counted from 0\) has no finite"
    ):
        new_scene("alp", given, labels(), CLASSES)


def test_a_dataset_that_is_no_scene():
    with pytest.raises(SceneError, match="not a scene"):
        check_scene(xr.Dataset())


def test_importing_the_scene_loads_no_heavy_library():
    code = (
        "import sys, bdgf.scenes.scene; print({'torch', 'rioxarray', 'sklearn'} & {*sys.modules})"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.strip() == "set()"
