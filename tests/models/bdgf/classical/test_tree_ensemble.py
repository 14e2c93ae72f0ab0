"""The forest as tensors, beside scikit-learn's own trees."""

import numpy as np
import pytest
import torch

from bdgf.models.bdgf.classical.forest_fit import as_arrays, forest_probabilities, grow_forest
from bdgf.models.bdgf.classical.tree_ensemble import ForestSettings, TreeEnsemble

SETS = ([0, 1, 2], [1, 3])


def grow(classes: int = 3, **changes):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(200, 4)).astype(np.float32)
    targets = (table[:, 1] + 0.5 * rng.normal(size=200) > 0).astype(int)
    targets[(table[:, 3] > 1) & (classes > 2)] = 2
    settings = ForestSettings(**({"trees": 7} | changes))
    share = rng.uniform(0.5, 2, 200)
    return grow_forest(table, targets, share, SETS, settings, seed=3, jobs=1)


def filled(grown, classes: int = 3) -> TreeEnsemble:
    forest = TreeEnsemble(classes)
    forest.set_trees(**as_arrays(grown, classes))
    return forest


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
    wanted = np.maximum(forest_probabilities(grown, others), 1e-6)
    np.testing.assert_allclose(forest(described).exp().numpy(), wanted, atol=1e-6)
    np.testing.assert_allclose(forest.walk(described).clamp(min=1e-6).numpy(), wanted, atol=1e-6)


def test_the_compiled_walk_does_not_depend_on_the_number_of_threads():
    forest = filled(grow(trees=300))
    described = torch.randn(2000, 4, generator=torch.Generator().manual_seed(0))
    threads, found = torch.get_num_threads(), []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        found.append(forest(described))
    torch.set_num_threads(threads)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


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


def test_trees_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(0)
    table, targets = rng.normal(size=(60, 4)).astype(np.float32), rng.integers(0, 2, 60)
    one, two = (
        as_arrays(
            grow_forest(table, targets, np.ones(60), SETS, ForestSettings(trees=4), 0, jobs), 2
        )
        for jobs in (1, 2)
    )
    assert all(np.array_equal(one[name], two[name]) for name in one)
