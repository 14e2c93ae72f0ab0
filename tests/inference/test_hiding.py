"""What a model sees when modalities are hidden from it and from its denoiser."""

import numpy as np
import pytest

from bdgf.core.errors import SceneError, SettingsError
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.inference.adaptation import band_statistics
from bdgf.inference.hiding import of_changed_scene, without_modalities
from bdgf.inference.map_model import MapModel
from bdgf.inference.settings import InferenceSettings
from bdgf.inference.window_step import Guidance
from bdgf.models.base import SceneInputs
from bdgf.models.registry import MODELS
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.damage import noisy
from bdgf.scenes.masks import hide_modalities, modality_mask
from bdgf.scenes.scene import class_table, valid_mask
from bdgf.scenes.scene_windows import DatasetWindows
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from bdgf.training.devices import DeviceSettings, make_fabric
from tests.diffusion.small_scene import prepared_scene
from tests.features.small_extraction import small_weights
from tests.models.layered_scenes import scene_of
from tests.models.small_models import OWN, PRETRAIN, TRAIN

CPU, FEATURES = DeviceSettings(accelerator="cpu"), FeatureSettings(timesteps=(50,), halo=8)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    prepared, path = prepared_scene(), tmp_path_factory.mktemp("cube") / "cube.h5"
    fabric = make_fabric(CPU)
    return SceneInputs(
        prepared, extract_features(small_weights(), prepared, FEATURES, path, fabric=fabric)
    )


def hiding(inputs, hidden, folder, denoiser=None, features=FEATURES):
    return without_modalities(inputs, hidden, denoiser, features, folder, CPU)


def test_nothing_hidden_is_the_scene_itself(inputs, tmp_path):
    with hiding(inputs, (), tmp_path) as seen:
        assert seen is inputs


def test_without_features_the_channels_alone_are_hidden(inputs, tmp_path):
    with hiding(SceneInputs(inputs.prepared), ["sar"], tmp_path) as seen:
        assert seen.cube is None
        part = seen.channels.modalities["sar"]
        assert not seen.channels.channels[part].any()
        assert seen.channels.channels[: part.start].any()
        assert not modality_mask(seen.prepared, "sar").any()
        assert seen.channels.present is not None
        assert not seen.channels.present[1].any()


def test_the_features_are_made_without_it_under_the_same_normalisation(inputs, tmp_path):
    with hiding(inputs, ["sar"], tmp_path, small_weights()) as seen:
        assert seen.cube.fingerprint != inputs.cube.fingerprint
        np.testing.assert_array_equal(seen.cube.normalisation(), inputs.cube.normalisation())
        assert not np.array_equal(seen.cube.read(0), inputs.cube.read(0))
        assert seen.tensors.shape == inputs.tensors.shape
    assert list(tmp_path.iterdir()) == []


def test_features_from_elsewhere_cannot_be_made_anew(inputs, tmp_path):
    external = FEATURES.model_copy(update={"external": "mine.h5"})
    with (
        pytest.raises(SettingsError, match=r"inference\.hide.*features\.external"),
        hiding(inputs, ["sar"], tmp_path, small_weights(), external),
    ):
        pass


def test_of_a_changed_scene_features_are_made_anew(inputs, tmp_path):
    spoilt = noisy(inputs.prepared, "sar", 1.0, np.random.default_rng(0))
    rest = FEATURES, tmp_path, CPU, "evaluation.damage"
    with of_changed_scene(inputs, spoilt, small_weights(), *rest) as seen:
        np.testing.assert_array_equal(seen.prepared["sar"], spoilt["sar"])
        np.testing.assert_array_equal(seen.cube.normalisation(), inputs.cube.normalisation())
        assert not np.array_equal(seen.cube.read(0), inputs.cube.read(0))
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(SettingsError, match=r"evaluation\.damage.*features\.external"),
        of_changed_scene(inputs, spoilt, None, *rest),
    ):
        pass


@pytest.fixture(scope="module")
def mapping(tmp_path_factory):
    """A model of a scene with holes, that uses features, and the scene."""
    scene = scene_of("optical", "height", "sar", holes=True)
    preparation = fit_preparation(scene, PreparationSettings(components=8))
    prepared = preparation.apply(scene)
    denoiser = pretrain(PretrainingData.of(prepared), PRETRAIN, 0, devices=CPU)
    features = FeatureSettings(timesteps=(100,), halo=16)
    path, fabric = tmp_path_factory.mktemp("mapping") / "cube.h5", make_fabric(CPU)
    cube = extract_features(denoiser, prepared, features, path, fabric=fabric)
    forest = MODELS["random_forest_features"].model()
    split = make_split(prepared, SplitSettings(name="per_class", per_class=15), 0, 2)
    own = forest.settings(**OWN["random_forest_features"])
    trained = forest.fit(SceneInputs(prepared, cube), split, TRAIN, own, 0)
    guidance = Guidance(denoiser, features, tuple(cube.levels), cube.normalisation())
    return MapModel(preparation, trained, class_table(scene), guidance), scene


def hide(*names):
    return InferenceSettings(hide=names)


@pytest.mark.parametrize("hidden", [(), ("sar",)])
def test_a_scene_with_holes_is_mapped_alike_in_one_window_and_in_many(mapping, hidden):
    model, scene = mapping
    whole, parts = (model.predict(scene, hide(*hidden), CPU, block=n) for n in (512, 16))
    np.testing.assert_array_equal(whole["class_map"], parts["class_map"])
    covered = valid_mask(hide_modalities(scene, hidden))
    np.testing.assert_array_equal(whole["class_map"] > 0, covered)
    assert covered.sum() == valid_mask(scene).sum() if not hidden else covered.sum() > 0


def test_a_scene_may_lack_what_is_hidden_and_nothing_else(mapping):
    model, scene = mapping
    less = scene.drop_vars(["sar", "valid_sar"])
    less = less.assign_attrs(modalities='["optical", "height"]')
    hidden, lacking = (model.predict(s, hide("sar"), CPU) for s in (scene, less))
    for layer in ("class_map", "probabilities"):
        np.testing.assert_array_equal(hidden[layer], lacking[layer])
    assert (hidden["class_map"] != model.predict(scene, devices=CPU)["class_map"]).any()
    with pytest.raises(SceneError, match=r"or inference\.hide=\[sar\] to map without"):
        model.predict(less)
    with pytest.raises(SettingsError, match="no modality thermal to hide"):
        model.predict(scene, hide("thermal"))


def test_statistics_of_another_raster_are_those_of_where_a_modality_has_data(mapping):
    model, scene = mapping
    found = band_statistics(DatasetWindows(scene), model.preparation)
    height = scene["height"].to_numpy()[modality_mask(scene, "height")]
    np.testing.assert_allclose(found["height"][0], height.mean(0, np.float64))
    transform = model.preparation.modalities["sar"]
    np.testing.assert_allclose(found["sar"][0], transform.band_mean, rtol=1e-6)
    nowhere = hide_modalities(scene, ["sar"])
    assert "sar" not in band_statistics(DatasetWindows(nowhere), model.preparation)
    adapted = model.adapted(DatasetWindows(nowhere)).preparation.modalities
    assert adapted["sar"] is transform
