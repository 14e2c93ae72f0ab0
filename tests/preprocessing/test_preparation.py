"""Preparation: standardised channels, stored and never refitted."""

import numpy as np
import pytest

from bdgf.core.errors import ArtifactError, SceneError
from bdgf.core.weights import read_weights, write_weights
from bdgf.preprocessing.preparation import Preparation, fit_preparation
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.masks import hide_modalities, modality_mask
from bdgf.scenes.scene import ModalityArray, check_scene, class_table, modality_names, valid_mask
from tests.preprocessing.small_scene import make_scene, whole_spectra


def test_channels_are_standardised_over_valid_pixels_and_zero_elsewhere():
    scene = make_scene()
    prepared = fit_preparation(scene, whole_spectra(reduction="pca", components=5)).apply(scene)
    channels, slices = stack_channels(prepared)
    mask = valid_mask(scene)
    assert channels.shape == (8, 24, 17)
    assert channels.dtype == np.float32
    assert slices == {"optical": slice(0, 5), "height": slice(5, 6), "sar": slice(6, 8)}
    np.testing.assert_allclose(channels[:, mask].mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(channels[:, mask].std(axis=1), 1, atol=1e-4)
    assert (channels[:, ~mask] == 0).all()
    check_scene(prepared)
    assert prepared["optical"].dims == ("band_optical", "y", "x")
    assert class_table(prepared) == class_table(scene)
    np.testing.assert_array_equal(prepared["labels"], scene["labels"])


def holed():
    """The small scene, without SAR on some rows, and the same with all there."""
    whole = make_scene()
    sar = whole["sar"].to_numpy().copy()
    sar[5:12] = np.nan
    valid = valid_mask(whole)
    return make_scene(sar=ModalityArray(sar, "auxiliary", "", "log")), whole, valid


def test_statistics_of_a_modality_are_those_of_where_it_has_data():
    scene, whole, valid = holed()
    mask = modality_mask(scene, "sar")
    np.testing.assert_array_equal(valid_mask(scene), valid)
    assert (mask != valid).any()
    fitted, of_all = (fit_preparation(s, PreparationSettings(components=4)) for s in (scene, whole))
    narrower = whole.assign(valid=(("y", "x"), mask.astype(np.uint8)))
    of_rest = fit_preparation(narrower, PreparationSettings(components=4))
    for key in ("band_mean", "band_sigma", "channel_sigma"):
        found, rest = (getattr(p.modalities["sar"], key) for p in (fitted, of_rest))
        np.testing.assert_array_equal(found, rest)
        found, all_there = (getattr(p.modalities["optical"], key) for p in (fitted, of_all))
        np.testing.assert_array_equal(found, all_there)
    prepared = fitted.apply(scene)
    np.testing.assert_array_equal(modality_mask(prepared, "sar"), mask)
    assert (prepared["sar"].to_numpy()[:, ~mask] == 0).all()
    np.testing.assert_allclose(prepared["sar"].to_numpy()[:, mask].mean(axis=1), 0, atol=1e-5)
    np.testing.assert_array_equal(prepared["optical"], of_all.apply(whole)["optical"])


def test_a_modality_without_data_anywhere_teaches_nothing():
    scene = make_scene()
    with pytest.raises(SceneError, match="modality sar has no data on any pixel"):
        fit_preparation(scene.assign(valid_sar=0 * scene["valid"]), PreparationSettings())


def test_a_scene_that_lacks_a_modality_is_prepared_where_that_is_asked_for():
    scene = make_scene()
    fitted = fit_preparation(scene, PreparationSettings(components=4))
    names = '["optical", "sar"]'
    less = scene.drop_vars("height").assign_attrs(modalities=names)
    with pytest.raises(SceneError, match="optical, sar, but the model was prepared with optical"):
        fitted.apply(less)
    prepared = fitted.apply(less, may_lack=True)
    hidden = hide_modalities(fitted.apply(scene), ["height"])
    assert prepared.identical(hidden.assign_attrs(prepared.attrs)[list(prepared)])
    alien = less.rename(sar="radar", band_sar="band_radar")
    alien = alien.assign_attrs(modalities='["optical", "radar"]')
    with pytest.raises(SceneError, match="prepared with"):
        fitted.apply(alien, may_lack=True)


def test_labels_are_not_looked_at_and_need_not_be_there():
    scene = make_scene()
    fitted = fit_preparation(scene, PreparationSettings())
    unlabelled = scene.assign(labels=scene["labels"] * 0)
    again = fit_preparation(unlabelled, PreparationSettings())
    expected = stack_channels(fitted.apply(scene))[0]
    np.testing.assert_array_equal(stack_channels(again.apply(scene))[0], expected)
    np.testing.assert_array_equal(
        stack_channels(fitted.apply(scene.drop_vars("labels")))[0], expected
    )


def test_statistics_are_stored_and_not_refitted(tmp_path):
    scene, other = make_scene(), make_scene(seed=5, scale=2.0)
    fitted = fit_preparation(scene, PreparationSettings(reduction="pca", components=4))
    assert fitted.modalities["optical"].least_brightness > 0
    write_weights(fitted.to_weights(), tmp_path / "preparation.safetensors")
    stored = Preparation.from_weights(read_weights(tmp_path / "preparation.safetensors"))
    assert stored.settings == fitted.settings
    assert stored.channels == {"optical": 5 + 10, "height": 1, "sar": 2}
    for target in (scene, other):
        np.testing.assert_array_equal(
            stack_channels(stored.apply(target))[0], stack_channels(fitted.apply(target))[0]
        )
    prepared = stack_channels(stored.apply(other))[0][:15, valid_mask(other)]
    assert np.abs(prepared.std(axis=1) - 1).max() > 0.1


def test_a_damaged_store_is_one_clear_line():
    weights = fit_preparation(make_scene(), PreparationSettings()).to_weights()
    weights.config["settings"]["unheard_of"] = 1
    with pytest.raises(ArtifactError, match="damaged or of another version"):
        Preparation.from_weights(weights)
    del weights.config["settings"]["unheard_of"], weights.tensors["sar.band_mean"]
    with pytest.raises(ArtifactError, match="damaged or of another version"):
        Preparation.from_weights(weights)


def test_other_modalities_bands_or_scales_are_refused():
    fitted = fit_preparation(make_scene(), PreparationSettings())
    with pytest.raises(SceneError, match=r"has 21 bands.*with 20"):
        fitted.apply(make_scene(bands=21))
    extra = make_scene(slope=ModalityArray(np.ones((24, 17)), "auxiliary"))
    assert "slope" in modality_names(extra)
    with pytest.raises(SceneError, match="modalities optical, height, sar, slope"):
        fitted.apply(extra)
    linear = make_scene()
    linear["sar"].attrs["scale"] = "linear"
    with pytest.raises(SceneError, match="scale linear"):
        fitted.apply(linear)
