import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene
from bdgf.scenes.scene import class_table, georeference, modality_names, valid_mask
from tests.data.small_scene import (
    DSM,
    HSI,
    LABELS,
    TEST,
    TRAIN,
    changed,
    load,
    npy_config,
    raster_scene,
)


def test_a_small_scene(tmp_path):
    scene = load(tmp_path)
    assert modality_names(scene) == ["hsi", "dsm"]
    assert scene["hsi"].dims == ("y", "x", "band_hsi")
    assert scene["dsm"].attrs == {"kind": "auxiliary", "units": "m", "scale": "linear"}
    np.testing.assert_array_equal(scene["hsi"], HSI)
    np.testing.assert_array_equal(scene["dsm"][..., 0], DSM)
    np.testing.assert_array_equal(scene["labels"], LABELS)
    np.testing.assert_array_equal(scene["official_train"], TRAIN)
    np.testing.assert_array_equal(scene["official_test"], TEST)
    assert scene["labels"].dtype == np.uint8
    assert class_table(scene).names == ("water", "grass", "road")
    assert valid_mask(scene).all()
    assert georeference(scene) == (None, None)


def test_demo_is_dispatched():
    scene = read_scene("mine", parse_scene_config("mine", {"fabricate": {"size": 48}}), [])
    assert scene.attrs["scene"] == "mine"
    assert scene.sizes["y"] == 48


@pytest.mark.parametrize("value", [np.nan, np.inf, -9999.0])
def test_pixels_without_data_are_invalid(tmp_path, value):
    config = npy_config()
    config["modalities"]["hsi"]["nodata"] = -9999
    scene = load(tmp_path, config, hsi=changed(HSI, (3, 4, 2), value))
    assert np.argwhere(~valid_mask(scene)).tolist() == [[3, 4]]
    assert not scene["hsi"][3, 4].any()
    assert not scene["dsm"][3, 4].any()


def test_the_nodata_value_of_a_file_counts(tmp_path):
    scene = raster_scene(tmp_path, dsm={"nodata": float(DSM[5, 6])})
    assert not valid_mask(scene)[5, 6]


def test_undeclared_nan_is_warned_of(tmp_path, caplog):
    load(tmp_path, hsi=changed(HSI, (3, slice(2), 2), np.nan))
    assert "2 pixels with NaN or infinite values count as nodata" in caplog.text


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_band_without_data_is_named(tmp_path, value):
    with pytest.raises(
        SceneError, match=r"'hsi' from hsi\.npy: band 2 \(counted from 0\) holds no"
    ):
        load(tmp_path, hsi=changed(HSI, (..., 2), value))


def test_a_constant_modality_is_refused(tmp_path):
    with pytest.raises(SceneError, match=r"'dsm' from dsm\.npy is 7 everywhere"):
        load(tmp_path, dsm=np.full_like(DSM, 7))


def test_the_number_of_bands_is_checked(tmp_path):
    config = npy_config()
    config["modalities"]["hsi"]["bands"] = [5, 7]
    with pytest.raises(SceneError, match=r"'hsi' from hsi\.npy has 6 bands, expected 5 or 7"):
        load(tmp_path, config)


def test_complex_values_are_refused(tmp_path):
    with pytest.raises(SceneError, match="complex values; give amplitudes or intensities"):
        load(tmp_path, hsi=HSI.astype(complex))


def test_an_optional_modality_may_be_missing(tmp_path, caplog):
    config = npy_config()
    config["modalities"]["sar"] = {"kind": "auxiliary", "optional": True, "file": "sar.npy"}
    assert modality_names(load(tmp_path, config)) == ["hsi", "dsm"]
    assert (
        "without the optional modality 'sar': none of its files (sar.npy) is there" in caplog.text
    )
