"""A distilled network as a model: it maps any raster in whatever windows."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bdgf
from bdgf.core.errors import SettingsError
from bdgf.inference.fast.model import agreement_words, drawn_fast
from bdgf.inference.settings import InferenceSettings
from bdgf.inference.smoothing import SmoothingSettings
from bdgf.models.base import PredictionSettings, SceneInputs
from bdgf.scenes.masks import hide_modalities
from bdgf.scenes.scene import valid_mask
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.small_models import model_with_fast, small_scene

FAST = InferenceSettings(fast=True)
FLOAT32 = 1e-5


def probabilities(model, scene, inference=FAST, **options):
    return model.predict(scene, inference, **options).probabilities.to_numpy()


@pytest.mark.parametrize(
    "name", ["random_forest_windows", pytest.param("bdgf_unguided", marks=pytest.mark.slow)]
)
@settings(max_examples=4, deadline=None)
@given(
    side=st.integers(5, 60),
    height=st.integers(20, 56),
    width=st.integers(20, 56),
    sigma=st.sampled_from([0.0, 1.0]),
    hide=st.sampled_from([(), ("sar",)]),
)
def test_any_size_cut_anyhow_gives_one_map(name, side, height, width, sigma, hide):
    scene = small_scene().isel(y=slice(0, height), x=slice(56 - width, 56))
    smoothing = SmoothingSettings(sigma=sigma)
    inference = InferenceSettings(fast=True, smoothing=smoothing, hide=hide)
    model = model_with_fast(name)
    whole = probabilities(model, scene, inference, block=1000)
    cut = probabilities(model, scene, inference, block=side)
    np.testing.assert_allclose(cut, whole, atol=FLOAT32)
    np.testing.assert_array_equal(cut.argmax(0), whole.argmax(0))


def test_memory_for_activations_does_not_change_the_map():
    model = model_with_fast("random_forest_windows")
    inputs = SceneInputs(model.preparation.apply(small_scene()))
    whole = model.fast.predict_map(inputs)
    little = model.fast.predict_map(inputs, PredictionSettings(block_megabytes=1))
    np.testing.assert_allclose(little, whole, atol=FLOAT32)
    valid = valid_mask(small_scene())
    np.testing.assert_allclose(whole.sum(0), valid, atol=FLOAT32)


def test_only_what_is_wanted_is_classified_and_told():
    model, scene = model_with_fast("random_forest_windows"), small_scene()
    wanted, told = np.zeros((56, 56), bool), []
    wanted[10:20, 30:33] = True
    inputs = SceneInputs(model.preparation.apply(scene), wanted=wanted)
    drawn = model.fast.predict_map(inputs, progress=told.append)
    np.testing.assert_array_equal(drawn.any(0), wanted)
    assert sum(told) == 30


def test_it_sees_as_far_as_the_patch_of_its_model():
    for name in ("random_forest_windows", "random_forest"):
        model = model_with_fast(name)
        assert model.fast.reach >= int(model.classifier.config["patch"]) // 2
        assert model.step(DatasetWindows(small_scene()), FAST).reach == model.fast.reach
    assert model_with_fast("random_forest").fast.reach == 0


def test_other_channels_are_refused_in_one_line():
    model = model_with_fast("random_forest")
    prepared = model.preparation.apply(small_scene()).drop_vars("sar")
    names = [n for n in json.loads(prepared.attrs["modalities"]) if n != "sar"]
    inputs = SceneInputs(prepared.assign_attrs(modalities=json.dumps(names)))
    with pytest.raises(SettingsError, match=r"distilled on the modalities .*'sar': 2") as error:
        model.fast.predict_map(inputs)
    assert "\n" not in str(error.value)


def test_hidden_modalities_are_not_seen():
    model, scene = model_with_fast("random_forest_windows"), small_scene()
    changed = scene.assign(sar=scene.sar * 3)
    changed["sar"].attrs = scene.sar.attrs
    hide = InferenceSettings(fast=True, hide=("sar",))
    without = probabilities(model, scene, hide)
    np.testing.assert_array_equal(probabilities(model, changed, hide), without)
    np.testing.assert_array_equal(probabilities(model, hide_modalities(scene, ["sar"])), without)
    assert not np.array_equal(probabilities(model, scene), without)


def test_its_words_are_those_of_its_report():
    report = {
        "agreement": 0.98765,
        "agreement_without": {"sar": 0.5},
        "held_out_pixels": 1234,
    }
    told = agreement_words(report)
    assert told == ("agrees with the model on 98.8 % of 1,234 held-out pixels (without sar 50.0 %)")
    assert drawn_fast(report) == f"Drawn by the fast network, which {told}."


def test_it_survives_the_folder(tmp_path):
    model, scene = model_with_fast("random_forest_windows"), small_scene()
    model.save(tmp_path / "map_model.json")
    stored = bdgf.load_model(tmp_path)
    np.testing.assert_array_equal(probabilities(stored, scene), probabilities(model, scene))
    assert stored.fast.report == model.fast.report
    assert stored.card["fast"] == model.fast.report
