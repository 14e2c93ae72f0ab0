"""Random forest: scikit-learn's probabilities, whatever the number of threads."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from bdgf.baselines.random_forest import (
    RandomForestSettings,
    fit_random_forest,
    load_random_forest,
)
from bdgf.errors import MissingArtifactError
from bdgf.scenes.demo import DemoSettings, make_demo_scene
from bdgf.scenes.preparation import PreparationSettings, fit_preparation, stack_channels
from bdgf.scenes.scene import valid_mask
from bdgf.scenes.split import SplitSettings, make_split


@pytest.fixture(scope="module")
def prepared():
    scene = make_demo_scene(DemoSettings(size=64, bands=12))
    return fit_preparation(scene, PreparationSettings()).apply(scene)


@pytest.fixture(scope="module")
def split(prepared):
    return make_split(prepared, SplitSettings(), 0, 5)


@pytest.mark.parametrize("use_validation", [True, False])
def test_it_is_scikit_learns_forest_on_the_stacked_channels(prepared, split, use_validation):
    settings = RandomForestSettings(trees=15, use_validation=use_validation)
    ours = fit_random_forest(prepared, split, settings, 5).predict_map(prepared)
    channels, _ = stack_channels(prepared)
    parts, labels, mask = split.to_numpy(), prepared["labels"].to_numpy(), valid_mask(prepared)
    train = np.isin(parts, [1, 2] if use_validation else [1])
    forest = RandomForestClassifier(15, random_state=5).fit(channels[:, train].T, labels[train])
    expected = forest.predict_proba(channels[:, mask].T)
    np.testing.assert_allclose(ours[:, mask].T, expected, atol=1e-6)


def test_threads_do_not_change_a_bit(prepared, split):
    maps = [
        fit_random_forest(
            prepared, split, RandomForestSettings(trees=15, jobs=jobs), 0
        ).predict_map(prepared)
        for jobs in (1, 2)
    ]
    np.testing.assert_array_equal(*maps)


def test_a_forest_whose_nodes_lead_astray_is_refused(prepared, split, tmp_path):
    fitted = fit_random_forest(prepared, split, RandomForestSettings(trees=3), 0)
    tree = fitted.forest.estimators_[1].tree_
    inner = int(np.flatnonzero(tree.children_left >= 0)[0])
    tree.children_left[inner] = 10**6
    fitted.save(tmp_path / "forest.skops")
    with pytest.raises(MissingArtifactError, match="do not form a tree"):
        load_random_forest(tmp_path / "forest.skops")
