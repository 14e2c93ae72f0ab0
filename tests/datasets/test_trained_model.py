"""Trained models, in the files of their own."""

import numpy as np
import pytest
from kedro.io import DatasetError

from bdgf.core.errors import ArtifactError, SettingsError
from bdgf.datasets.trained_model import TrainedModelDataset
from bdgf.framework.hooks.artifacts import saved_files
from bdgf.models.base import SceneInputs
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.sklearn.presets import RANDOM_FOREST
from bdgf.models.sklearn.random_forest import RandomForestSettings
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split


@pytest.fixture(scope="module")
def inputs():
    scene = make_demo_scene(DemoSettings(size=48, bands=8))
    return SceneInputs(fit_preparation(scene, PreparationSettings()).apply(scene))


@pytest.fixture(scope="module")
def forest(inputs):
    split = make_split(inputs.prepared, SplitSettings(), 0, 2)
    own = RandomForestSettings(trees=3, jobs=1)
    return RANDOM_FOREST.fit(inputs, split, TrainSettings(), own, 0)


def of(model, tmp_path):
    return TrainedModelDataset(model=model, filepath=str(tmp_path / "classifier"))


def test_a_trained_model_draws_the_same_map_again(tmp_path, inputs, forest):
    dataset = of("random_forest", tmp_path)
    assert not dataset.exists()
    dataset.save(forest)
    assert dataset.exists()
    loaded = dataset.load()
    assert loaded.config["model"] == "random_forest"
    np.testing.assert_array_equal(loaded.predict_map(inputs), forest.predict_map(inputs))


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("random_forest", ["classifier.skops"]),
        ("bdgf", ["classifier.safetensors", "classifier.json"]),
        ("mft", ["classifier.safetensors", "classifier.json"]),
    ],
)
def test_the_files_are_the_models_own(tmp_path, model, names):
    dataset = of(model, tmp_path)
    path = tmp_path / names[0]
    path.touch()
    assert [file.name for file in dataset.companions(path)] == names
    assert [file.name for file in saved_files(dataset)] == names


def test_a_damaged_model_is_told_in_one_line(tmp_path, forest):
    dataset = of("random_forest", tmp_path)
    dataset.save(forest)
    path = tmp_path / "classifier.skops"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DatasetError, match="train again") as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, ArtifactError)


def test_an_unknown_model_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(SettingsError, match="did you mean 'random_forest'"):
        of("random_forrest", tmp_path)
