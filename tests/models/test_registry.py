"""Every registered model: deterministic, honest, stored safely, the same map again."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.digests import digest_path
from bdgf.core.errors import ArtifactError, SceneError, SettingsError, UserError
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.evaluation.report import evaluate_predictions
from bdgf.features.cube import FeatureCube
from bdgf.features.external import write_feature_cube
from bdgf.features.extraction import FeatureSettings, extract_features
from bdgf.models.base import Execution, SceneInputs
from bdgf.models.registry import MODELS, model_entry
from bdgf.models.sklearn import feature_source
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import class_table, valid_mask
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from bdgf.splits.parts import TEST
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split
from bdgf.training.devices import DeviceSettings, make_fabric
from bdgf.training.metric_logger import MemoryLogger
from tests.models.small_models import OWN, PRETRAIN, TRAIN


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> SceneInputs:
    scene = make_demo_scene(DemoSettings(size=48, bands=12))
    prepared = fit_preparation(scene, PreparationSettings(components=8)).apply(scene)
    path = tmp_path_factory.mktemp("features") / "cube.h5"
    denoiser = pretrain(PretrainingData.of(prepared), PRETRAIN, 0)
    cube = extract_features(
        denoiser, prepared, FeatureSettings(timesteps=(100,)), path, fabric=make_fabric()
    )
    return SceneInputs(prepared, cube)


@pytest.fixture(scope="module")
def split(inputs):
    return make_split(inputs.prepared, SplitSettings(name="per_class", per_class=15), 0, 2)


@pytest.fixture(scope="module", params=MODELS)
def named(request, inputs, split):
    """A registered model, and what it is trained to once for all tests."""
    entry = MODELS[request.param]
    model = entry.model()
    own = model.settings(**OWN[request.param]) if model.settings else None
    seen = inputs if entry.uses_features else SceneInputs(inputs.prepared)

    def fit(seed=0, split=split, inputs=seen, **execution):
        return model.fit(inputs, split, TRAIN, own, seed, Execution(**execution))

    return SimpleNamespace(entry=entry, model=model, own=own, seen=seen, fit=fit, trained=fit())


def test_probabilities_are_probabilities_and_better_than_chance(named, inputs, split):
    probabilities = named.trained.predict_map(named.seen)
    mask = valid_mask(inputs.prepared)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (6, 48, 48)
    assert (probabilities[:, ~mask] == 0).all()
    np.testing.assert_allclose(probabilities[:, mask].sum(axis=0), 1, atol=1e-5)
    config = named.trained.config
    labels = inputs.prepared["labels"].to_numpy()
    metrics = evaluate_predictions(
        probabilities, labels, split, class_table(inputs.prepared), config["patch"], 0
    )
    assert metrics["average_accuracy"] > 1.3 / 6


def test_its_configuration_keeps_the_contract(named):
    config = named.trained.config
    assert config["model"] == named.model.name
    assert MODELS[config["model"]] is named.entry
    assert config["seed"] == 0
    assert config["parameters"] > 10
    of_the_pixel = ("random_forest", "random_forest_features", "svm")
    assert config["patch"] == (1 if config["model"] in of_the_pixel else 5)
    assert config["patch"] == named.model.patch(TRAIN, named.own)  # known before the training
    assert all(len(point) == 2 for curve in config["history"].values() for point in curve)
    more = named.trained.with_config({"scene": "demo"})
    assert more.config == {**config, "scene": "demo"}


def test_the_seed_decides_everything(named):
    maps = [named.trained, named.fit(), named.fit(seed=4)]
    first, second, other = (trained.predict_map(named.seen) for trained in maps)
    np.testing.assert_array_equal(first, second)
    assert (other != first).any()


def test_a_scene_that_does_not_fit_into_memory_teaches_the_same(named, tmp_path):
    devices = DeviceSettings(resident_gib=0)
    trained = named.fit(devices=devices, checkpoints=ArtifactCache(tmp_path, 2))
    found, wanted = (one.predict_map(named.seen) for one in (trained, named.trained))
    if named.model.name.endswith("_windows"):  # sums over windows are taken in another order
        np.testing.assert_array_equal(found.argmax(0), wanted.argmax(0))
    else:
        np.testing.assert_array_equal(found, wanted)


def test_it_is_stored_and_draws_the_same_map(named, tmp_path):
    path = tmp_path / "model" / f"classifier{named.entry.suffix}"
    named.trained.save(path)
    assert set(path.parent.iterdir()) == {*named.model.companions(path), digest_path(path)}
    stored = named.model.load(path)
    assert stored.config == json.loads(json.dumps(named.trained.config))
    np.testing.assert_array_equal(
        stored.predict_map(named.seen), named.trained.predict_map(named.seen)
    )


def test_a_missing_or_damaged_file_is_one_clear_line(named, tmp_path):
    path = tmp_path / f"classifier{named.entry.suffix}"
    with pytest.raises(ArtifactError, match=r"is damaged or of another version .*train again"):
        named.model.load(path)
    named.trained.save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ArtifactError, match="train again") as error:
        named.model.load(path)
    assert "\n" not in str(error.value)


def test_test_labels_are_not_looked_at(named, inputs, split):
    hidden = inputs.prepared.assign(labels=inputs.prepared["labels"].where(split != TEST, 0))
    blind = SceneInputs(hidden, named.seen.cube)
    np.testing.assert_array_equal(
        named.fit(inputs=blind).predict_map(blind), named.trained.predict_map(named.seen)
    )


def test_networks_leave_curves_and_no_checkpoint(named, tmp_path: Path):
    if named.entry.suffix != ".safetensors":
        assert named.trained.config["history"] == {}
        return
    logger = MemoryLogger()
    trained = named.fit(logger=logger, checkpoints=ArtifactCache(tmp_path, 9))
    assert not list(tmp_path.glob("*.ckpt*"))
    assert {"train/loss", "validation/loss", "refit/loss"} <= set(logger.names())
    assert set(trained.config["history"]) == set(logger.names())


def test_only_these_use_features():
    named = [name for name, entry in MODELS.items() if entry.uses_features]
    assert named == ["bdgf", "random_forest_features"]


@pytest.mark.parametrize("name", ["random_forest_features", "svm_windows"])
def test_bands_of_rows_give_the_map_of_the_whole(name, inputs, split, monkeypatch):
    model = MODELS[name].model()
    own = model.settings(**OWN[name])
    whole = model.fit(inputs, split, TRAIN, own, 0).predict_map(inputs)
    monkeypatch.setattr(feature_source, "_BAND", 48 * 5)
    in_bands = model.fit(inputs, split, TRAIN, own, 0).predict_map(inputs)
    np.testing.assert_allclose(in_bands, whole, atol=1e-6)


def test_a_forest_refuses_features_of_another_number(inputs, split, tmp_path):
    model = MODELS["random_forest_features"].model()
    trained = model.fit(inputs, split, TRAIN, model.settings(trees=5), 0)
    path = tmp_path / "cube.h5"
    write_feature_cube(path, {0: np.zeros((3, 48, 48))}, np.ones((48, 48), bool), "demo")
    with pytest.raises(SceneError, match=r"features per pixel.*train again"):
        trained.predict_map(SceneInputs(inputs.prepared, FeatureCube(path)))
    with pytest.raises(UserError, match="needs some"):
        trained.predict_map(SceneInputs(inputs.prepared))


def test_an_unknown_model_names_the_nearest_and_the_known():
    with pytest.raises(
        SettingsError, match=r"'random_forrest', did you mean 'random_forest'\?.*mft"
    ):
        model_entry("random_forrest")


def test_reading_the_registry_imports_no_model():
    code = (
        "import sys, bdgf.models.registry; "
        "print([name for name in sys.modules if name.startswith('bdgf.models.')], "
        "{'torch', 'sklearn', 'numpy'} & {*sys.modules})"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.strip() == "['bdgf.models.registry'] set()"
