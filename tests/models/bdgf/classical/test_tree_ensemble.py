"""The forest as tensors, beside scikit-learn's own trees."""

import numpy as np
import pytest
import torch

from bdgf.models.bdgf.classical.tree_ensemble import TreeEnsemble
from tests.models.bdgf.classical.small_forest import filled, grow


def test_an_empty_forest_finds_all_classes_equally_likely():
    forest = TreeEnsemble(4)
    assert torch.allclose(forest(torch.zeros(2, 3)).exp(), torch.full((2, 4), 0.25))


@pytest.mark.parametrize("min_leaf", [1, 5])
@pytest.mark.parametrize("classes", [2, 3])
def test_it_walks_as_scikit_learn_does(classes, min_leaf):
    grown = grow(classes, min_leaf=min_leaf)
    others = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    # Numbers that are thresholds themselves go left.
    others[:50, 1] = np.resize(grown[0].estimator.estimators_[0].tree_.threshold, 50)
    forest, described = filled(grown, classes), torch.from_numpy(others)
    said = [g.estimator.predict_proba(others[:, g.columns]) for g in grown]
    wanted = np.maximum(np.mean(said, axis=0), 1e-6)
    np.testing.assert_allclose(forest(described).exp().numpy(), wanted, atol=1e-6)
    np.testing.assert_allclose(forest.walk(described).clamp(min=1e-6).numpy(), wanted, atol=1e-6)


def test_a_class_that_no_tree_saw_gets_nothing():
    found = filled(grow(), classes=5)(torch.zeros(1, 4)).exp()
    assert found[0, 3:].tolist() == pytest.approx([1e-6, 1e-6])


def test_its_size_is_its_nodes_and_it_has_nothing_for_an_optimiser():
    grown = grow()
    forest = filled(grown)
    trees = [tree.tree_ for g in grown for tree in g.estimator.estimators_]
    assert forest.size == sum(tree.node_count for tree in trees)
    assert not list(forest.parameters())


def test_it_loads_a_forest_of_any_size():
    forest, fresh = filled(grow()), TreeEnsemble(3)
    fresh.load_state_dict(forest.state_dict())
    described = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(fresh(described), forest(described))
