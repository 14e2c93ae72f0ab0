"""Preparation: standardised channels, stored and never refitted."""

import numpy as np
import pytest

from bdgf.core.errors import ArtifactError, SceneError
from bdgf.core.weights import read_weights, write_weights
from bdgf.preprocessing.preparation import Preparation, fit_preparation, stack_channels
from bdgf.preprocessing.settings import PreparationSettings
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
    assert stored.channels == {"optical": 5, "height": 1, "sar": 2}
    for target in (scene, other):
        np.testing.assert_array_equal(
            stack_channels(stored.apply(target))[0], stack_channels(fitted.apply(target))[0]
        )
    prepared = stack_channels(stored.apply(other))[0][:5, valid_mask(other)]
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
