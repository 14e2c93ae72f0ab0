"""Random forest: scikit-learn's probabilities, whatever the number of threads."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from bdgf.core.errors import ArtifactError
from bdgf.models.base import SceneInputs
from bdgf.models.bdgf.settings import TrainSettings
from bdgf.models.sklearn.presets import RANDOM_FOREST
from bdgf.models.sklearn.random_forest import FOREST, RandomForestSettings
from bdgf.models.sklearn.training_pixels import TrainingPixels
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import valid_mask
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split


@pytest.fixture(scope="module")
def prepared():
    scene = make_demo_scene(DemoSettings(size=64, bands=12))
    return fit_preparation(scene, PreparationSettings()).apply(scene)


@pytest.fixture(scope="module")
def split(prepared):
    return make_split(prepared, SplitSettings(), 0, 5)


def fit(prepared, split, seed=0, **settings):
    own = RandomForestSettings(**settings)
    return RANDOM_FOREST.fit(SceneInputs(prepared), split, TrainSettings(), own, seed)


@pytest.mark.parametrize("use_validation", [True, False])
def test_it_is_scikit_learns_forest_on_the_stacked_channels(prepared, split, use_validation):
    trained = fit(prepared, split, 5, trees=15, use_validation=use_validation)
    channels, _ = stack_channels(prepared)
    parts, labels, mask = split.to_numpy(), prepared["labels"].to_numpy(), valid_mask(prepared)
    train = np.isin(parts, [1, 2] if use_validation else [1])
    forest = RandomForestClassifier(15, random_state=5).fit(channels[:, train].T, labels[train])
    expected = forest.predict_proba(channels[:, mask].T)
    ours = trained.predict_map(SceneInputs(prepared))
    np.testing.assert_allclose(ours[:, mask].T, expected, atol=1e-6)
    assert trained.config["parameters"] == sum(t.tree_.node_count for t in forest.estimators_)


def test_threads_do_not_change_a_bit(prepared, split):
    maps = [
        fit(prepared, split, trees=15, jobs=jobs).predict_map(SceneInputs(prepared))
        for jobs in (1, 2)
    ]
    np.testing.assert_array_equal(*maps)


def test_a_class_that_was_not_trained_on_has_no_probability(prepared, split):
    without = split.where((prepared["labels"] != 2) | (split == 3), 0)
    maps = fit(prepared, without, trees=5).predict_map(SceneInputs(prepared))
    assert (maps[1] == 0).all()
    np.testing.assert_allclose(maps.sum(axis=0)[valid_mask(prepared)], 1, atol=1e-5)


def test_a_forest_whose_nodes_lead_astray_is_refused(prepared, split, tmp_path):
    fitted = fit(prepared, split, trees=3)
    tree = fitted.estimator.estimators_[1].tree_
    inner = int(np.flatnonzero(tree.children_left >= 0)[0])
    tree.children_left[inner] = 10**6
    fitted.save(tmp_path / "forest.skops")
    with pytest.raises(ArtifactError, match="do not form a tree"):
        RANDOM_FOREST.load(tmp_path / "forest.skops")


def test_balanced_weights_the_rare_class():
    rng = np.random.default_rng(0)
    label_map = np.where(np.arange(60) < 55, 1, 2).reshape(6, 10)
    table = TrainingPixels(rng.normal(size=(60, 1)).astype(np.float32), label_map)
    shares = [
        FOREST.probabilities(
            FOREST.fit(table, settings, 0), rng.normal(size=(400, 1)).astype(np.float32), settings
        )[:, 1].mean()
        for settings in (
            RandomForestSettings(trees=50, min_leaf=5, jobs=1),
            RandomForestSettings(trees=50, min_leaf=5, jobs=1, balanced=True),
        )
    ]
    assert shares[1] > shares[0]
