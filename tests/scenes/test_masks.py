"""Each modality's own mask: kept where it differs, and modalities that are hidden."""

import numpy as np
import pytest

from bdgf.core.errors import SceneError, SettingsError
from bdgf.raster.windows import Window
from bdgf.scenes.classes import ClassTable
from bdgf.scenes.ingest.open_scene import open_scene
from bdgf.scenes.ingest.read_scene import IngestSettings
from bdgf.scenes.masks import hide_modalities, modality_mask, modality_masks, tell_missing
from bdgf.scenes.scene import ModalityArray, modality_names, new_scene, valid_mask
from tests.data.fabricate import write_raster

SIZE = (6, 5)


def scene(require="any", holes=True):
    """Optical misses row 1, SAR column 2, both the corner; all of row 5 lies outside."""
    rng = np.random.default_rng(0)
    optical, sar = rng.random((*SIZE, 3)) + 1, rng.random((*SIZE, 2)) + 1
    height = rng.random(SIZE) + 1
    if holes:
        optical[1], sar[:, 2, 1] = np.nan, np.inf
        for values in (optical, sar, height):
            values[0, 0] = np.nan
    inside = np.ones(SIZE, bool)
    inside[5] = False
    arrays = {
        "optical": ModalityArray(optical, "spectral"),
        "sar": ModalityArray(sar, "auxiliary"),
        "height": ModalityArray(height, "auxiliary"),
    }
    nothing = np.zeros(SIZE, int)
    return new_scene("s", arrays, nothing, ClassTable.of(["a"]), valid=inside, require=require)


def test_a_pixel_is_valid_where_any_modality_has_data_and_each_has_its_mask():
    made = scene()
    valid = np.ones(SIZE, bool)
    valid[5] = valid[0, 0] = False
    np.testing.assert_array_equal(valid_mask(made), valid)
    optical, sar = valid.copy(), valid.copy()
    optical[1], sar[:, 2] = False, False
    for name, mask in {"optical": optical, "sar": sar, "height": valid}.items():
        np.testing.assert_array_equal(modality_mask(made, name), mask)
        values = made[name].to_numpy()
        assert (values[mask] >= 1).all()
        assert (values[~mask] == 0).all()
    np.testing.assert_array_equal(modality_masks(made), [optical, sar, valid])
    assert {"valid_optical", "valid_sar"} <= set(made)
    assert "valid_height" not in made
    assert made["valid_sar"].dtype == np.uint8


def test_where_all_are_required_there_is_one_mask():
    made = scene("all")
    valid = np.ones(SIZE, bool)
    valid[5] = valid[0, 0] = valid[1] = valid[:, 2] = False
    np.testing.assert_array_equal(valid_mask(made), valid)
    assert modality_masks(made) is None
    for name in modality_names(made):
        assert (made[name].to_numpy()[~valid] == 0).all()


def test_where_nothing_is_missing_both_rules_give_the_same_scene():
    assert scene("any", holes=False).identical(scene("all", holes=False))
    assert modality_masks(scene(holes=False)) is None


def test_a_name_that_would_be_a_mask_s_is_refused():
    with pytest.raises(SceneError, match="'valid_sar' cannot name a modality"):
        new_scene(
            "s",
            {"valid_sar": ModalityArray(np.ones(SIZE), "auxiliary")},
            None,
            ClassTable.of([]),
        )


def test_what_is_missing_is_told(caplog):
    caplog.set_level("INFO")
    tell_missing(scene(holes=False))
    assert not caplog.text
    tell_missing(scene())
    assert "s: missing on valid pixels: optical on 21 %, sar on 21 %" in caplog.text
    assert "height" not in caplog.text


def test_a_hidden_modality_is_missing_everywhere():
    made = scene()
    seen = hide_modalities(made, ["height", "sar"])
    assert not seen["height"].any()
    assert not seen["sar"].any()
    assert not modality_mask(seen, "sar").any()
    # Row 1 was covered by SAR and heights alone.
    np.testing.assert_array_equal(valid_mask(seen), modality_mask(made, "optical"))
    assert "valid_optical" not in seen
    np.testing.assert_array_equal(seen["optical"], made["optical"])
    assert seen["optical"].dims == made["optical"].dims
    assert modality_names(seen) == modality_names(made)
    assert made["height"].any()


def test_hiding_nothing_changes_nothing_and_hiding_all_is_refused():
    made = scene()
    assert hide_modalities(made, []) is made
    with pytest.raises(SettingsError, match="all modalities are hidden"):
        hide_modalities(made, modality_names(made))
    with pytest.raises(SettingsError, match="no modality thermal to hide; the scene has optical"):
        hide_modalities(made, ["thermal"])


@pytest.mark.parametrize("rule", ["any", "all"])
def test_a_scene_read_from_its_files_by_windows_has_the_same_masks(rule, tmp_path):
    rng = np.random.default_rng(0)
    sar, height = rng.random((20, 30, 2), np.float32), rng.random((20, 30), np.float32)
    sar[3:9, 5:25], height[:, 28:], sar[0, 29] = -1, -1, -1
    (tmp_path / "mine").mkdir()
    write_raster(tmp_path / "mine" / "sar.tif", sar, nodata=-1)
    write_raster(tmp_path / "mine" / "height.tif", height, nodata=-1)
    configuration = {
        "require": rule,
        "modalities": {
            "sar": {"kind": "auxiliary", "file": "sar.tif"},
            "height": {"kind": "auxiliary", "file": "height.tif"},
        },
    }
    settings = IngestSettings(folders=(str(tmp_path),))
    held = open_scene("mine", configuration, settings, resident_gib=1)
    read = open_scene("mine", configuration, settings, resident_gib=0)
    assert type(held) is not type(read)
    assert read.labels() is None
    for rows, columns in ((slice(0, 20), slice(0, 30)), (slice(2, 12), slice(20, 30))):
        one, other = (source.read(Window(rows, columns)) for source in (held, read))
        np.testing.assert_array_equal(valid_mask(one), valid_mask(other))
        for name in ("sar", "height"):
            np.testing.assert_array_equal(modality_mask(one, name), modality_mask(other, name))
            np.testing.assert_array_equal(one[name], other[name])
