"""A model in a folder: it maps any raster, in whatever windows, and is what it was when stored."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bdgf
from bdgf.core.errors import SceneError, SettingsError
from bdgf.inference.settings import InferenceSettings
from bdgf.inference.smoothing import SmoothingSettings
from bdgf.models.base import SceneInputs
from bdgf.models.sklearn.random_forest import RandomForestSettings
from bdgf.preprocessing.power import yeo_johnson
from bdgf.scenes.scene import valid_mask
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.heavy_tailed_scene import heavy_tailed_scene
from tests.inference.small_models import (
    MODELS,
    SMALL_FAST,
    model_with_fast,
    small_model,
    small_scene,
)

FLOAT16 = 1e-3  # rounding of a probability near 1, twice


def probabilities(model, scene, **options):
    return model.predict(scene, **options).probabilities.to_numpy()


def assert_same_map(one, other):
    np.testing.assert_allclose(one, other, atol=FLOAT16)
    np.testing.assert_array_equal(one.argmax(0), other.argmax(0))


@pytest.mark.parametrize("name", MODELS)
def test_the_map_does_not_depend_on_the_windows_and_survives_the_folder(name, tmp_path):
    model, scene = small_model(name), small_scene()
    whole = probabilities(model, scene, block=1000)
    assert_same_map(probabilities(model, scene, block=16), whole)
    model.save(tmp_path / "map_model.json")
    stored = bdgf.load_model(tmp_path)
    np.testing.assert_array_equal(probabilities(stored, scene, block=1000), whole)
    assert stored.card == model.card
    assert stored.classes == model.classes
    suffixes = {path.suffix for path in tmp_path.iterdir()}
    assert suffixes <= {".json", ".safetensors", ".skops", ".sha256"}


@pytest.mark.parametrize("name", ["bdgf_unguided", "svm"])
def test_it_draws_what_the_classifier_draws_of_the_prepared_scene(name):
    model, scene = small_model(name), small_scene()
    prepared = model.preparation.apply(scene)
    drawn = model.classifier.predict_map(SceneInputs(prepared))
    np.testing.assert_array_equal(probabilities(model, scene, block=1000), drawn)


@settings(max_examples=5, deadline=None)
@given(
    side=st.integers(5, 60),
    height=st.integers(20, 56),
    width=st.integers(20, 56),
    sigma=st.sampled_from([0.0, 1.0]),
)
def test_any_size_cut_anyhow_gives_one_map(side, height, width, sigma):
    scene = small_scene().isel(y=slice(0, height), x=slice(56 - width, 56))
    inference = InferenceSettings(smoothing=SmoothingSettings(sigma=sigma))
    for name in ("bdgf", "random_forest"):
        model = small_model(name)
        whole = probabilities(model, scene, inference=inference, block=1000)
        assert_same_map(probabilities(model, scene, inference=inference, block=side), whole)


def test_a_map_has_classes_uncertainty_and_the_place_of_the_raster():
    scene = small_scene()
    maps = small_model("random_forest").predict(scene)
    valid = valid_mask(scene)
    assert (maps.class_map.to_numpy()[~valid] == 0).all()
    assert (maps.class_map.to_numpy()[valid] > 0).all()
    assert np.isnan(maps.uncertainty_map.to_numpy()[~valid]).all()
    assert maps.uncertainty_map.to_numpy()[valid].max() <= 1
    assert maps.rio.crs == scene.rio.crs
    assert maps.rio.transform() == scene.rio.transform()


def test_modalities_by_the_same_names_may_come_in_any_order():
    model, scene = small_model("random_forest"), small_scene()
    names = json.loads(scene.attrs["modalities"])
    turned = scene.assign_attrs(modalities=json.dumps(names[::-1]))
    np.testing.assert_array_equal(probabilities(model, turned), probabilities(model, scene))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.isel(band_optical=slice(0, 4)), "optical (spectral, 4 bands"),
        (lambda s: s.assign_attrs(modalities='["optical", "height"]'), "sar (auxiliary, 2 bands"),
        (lambda s: s.assign(height=s.height.assign_attrs(units="feet")), "1 band, feet"),
    ],
)
def test_another_raster_is_refused_with_both_lists(change, said):
    with pytest.raises(SceneError, match=r"it has .*; the model takes ") as error:
        small_model("random_forest").predict(change(small_scene()))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_units_that_nobody_stated_contradict_none():
    scene = small_scene()
    silent = scene.assign(height=scene.height.assign_attrs(units=""))
    assert small_model("random_forest").predict(silent).class_map.any()


def test_a_model_of_features_from_elsewhere_maps_no_other_raster():
    model = replace(small_model("bdgf"), guidance=None)
    assert not model.maps_rasters
    assert small_model("bdgf").maps_rasters
    assert small_model("random_forest").maps_rasters
    with pytest.raises(SettingsError, match=r"features from elsewhere \(features\.external\)"):
        model.predict(small_scene())


def test_the_reach_is_told_by_the_model():
    assert small_model("random_forest").reach == 0
    assert small_model("random_forest_windows").reach == 2
    assert small_model("bdgf").reach >= 48


def test_statistics_of_another_raster_undo_a_shift_of_its_bands():
    model, scene = small_model("svm"), small_scene()
    gain = scene.assign(height=scene.height * 3 + 100)
    gain["height"].attrs = scene.height.attrs
    whole = probabilities(model, scene)
    adapted = model.adapted(DatasetWindows(gain))
    back = adapted.adapted(DatasetWindows(gain))
    changed = (probabilities(model, gain).argmax(0) != whole.argmax(0)).mean()
    mended = (probabilities(adapted, gain).argmax(0) != whole.argmax(0)).mean()
    assert mended < changed / 2
    np.testing.assert_allclose(probabilities(back, gain), probabilities(adapted, gain), atol=1e-6)


@pytest.fixture(scope="module")
def heavy_tailed_model():
    own = RandomForestSettings(trees=5, jobs=1)
    return bdgf.fit(heavy_tailed_scene(), "per_class", "random_forest", own=own)


def test_another_raster_is_mapped_with_the_powers_of_the_training(heavy_tailed_model, tmp_path):
    heavy_tailed_model.save(tmp_path / "map_model.json")
    model, other = bdgf.load_model(tmp_path), heavy_tailed_scene(seed=1, scale=3.0, offset=20.0)
    fitted = heavy_tailed_model.preparation.modalities["height"]
    assert fitted.powers.changed.all()
    values = other["height"].to_numpy().reshape(-1, 1).astype(float)
    apart = (values - fitted.powers.center) / fitted.powers.spread
    expected = yeo_johnson(apart, fitted.powers.power) - fitted.band_mean - fitted.center
    channels = model.preparation.apply(other)["height"].to_numpy().reshape(1, -1).T
    expected = np.clip(expected / fitted.channel_sigma, -6, 6)
    np.testing.assert_allclose(channels, expected, atol=1e-5)
    whole = probabilities(model, other, block=1000)
    np.testing.assert_array_equal(probabilities(model, other, block=16), whole)
    np.testing.assert_array_equal(probabilities(heavy_tailed_model, other), whole)


def test_statistics_of_another_raster_undo_a_gain_before_the_powers(heavy_tailed_model):
    scene, gain = heavy_tailed_scene(), heavy_tailed_scene(scale=7.0, offset=-300.0)
    adapted = heavy_tailed_model.adapted(DatasetWindows(gain))
    expected = heavy_tailed_model.preparation.apply(scene)["height"]
    found = adapted.preparation.apply(gain)["height"]
    np.testing.assert_allclose(found, expected, atol=2e-3)
    one, other = (m.preparation.modalities["height"].powers for m in (heavy_tailed_model, adapted))
    np.testing.assert_array_equal(one.power, other.power)
    assert (one.spread != other.spread).all()


def test_a_model_without_a_fast_network_says_how_to_make_one():
    model = small_model("random_forest")
    with pytest.raises(SettingsError, match=r"has no fast network \(inference\.fast\)") as error:
        model.predict(small_scene(), InferenceSettings(fast=True))
    assert "dataset=small,model=random_forest,inference.fast=true" in str(error.value)
    assert "model.distilled(scene)" in str(error.value)
    assert "\n" not in str(error.value)


def test_the_fast_network_draws_where_it_is_asked_for():
    model, scene = model_with_fast("random_forest"), small_scene()
    whole, fast = (model.predict(scene, InferenceSettings(fast=asked)) for asked in (False, True))
    np.testing.assert_array_equal(
        whole.probabilities, probabilities(small_model(model.name), scene)
    )
    assert not np.array_equal(fast.probabilities, whole.probabilities)
    assert fast.attrs["drawn_by"] == "fast"
    assert "drawn_by" not in whole.attrs
    assert model.card["fast"] == model.fast.report
    assert "fast" not in small_model(model.name).card
    assert model.digest != small_model(model.name).digest


def test_no_fast_network_of_features_from_elsewhere():
    model = replace(small_model("bdgf"), guidance=None)
    with pytest.raises(SettingsError, match=r"features from elsewhere \(features\.external\)"):
        model.distilled(small_scene(), SMALL_FAST)
