"""Trees as scikit-learn grows them."""

import numpy as np
import torch

from bdgf.models.bdgf.classical.forest_fit import as_arrays, grow_forest
from bdgf.models.bdgf.classical.tree_ensemble import ForestSettings
from tests.models.bdgf.classical.small_forest import SETS, filled, grow


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


def test_each_set_of_columns_has_trees_of_its_own_and_counts_by_its_share():
    grown, table = grow(), np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32)
    assert [g.columns for g in grown] == list(SETS)
    said = np.stack([g.estimator.predict_proba(table[:, g.columns]) for g in grown])
    for shares in ((0.5, 0.5), (0.9, 0.1)):
        found = filled(grown, shares=shares)(torch.from_numpy(table)).exp()
        np.testing.assert_allclose(found, np.tensordot(shares, said, 1), atol=1e-5)
    np.testing.assert_allclose(
        filled(grown)(torch.from_numpy(table)).exp(), said.mean(0), atol=1e-5
    )


def test_arrays_name_the_columns_of_the_whole_table():
    grown = grow(trees=3)
    arrays = as_arrays(grown, 3)
    of_sets = np.split(arrays["columns"], [arrays["roots"][3]])
    assert set(of_sets[0]) <= set(SETS[0])
    assert set(of_sets[1]) <= set(SETS[1])
    assert 3 in of_sets[1]
    assert len(arrays["roots"]) == 6
    np.testing.assert_allclose(arrays["probabilities"].sum(1), 1)


def test_a_set_may_be_one_column():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(40, 3)).astype(np.float32)
    targets = (table[:, 2] > 0).astype(int)
    grown = grow_forest(table, targets, np.ones(40), [[2]], ForestSettings(trees=5), 0, 1)
    said = grown[0].estimator.predict_proba(table[:, [2]])
    found = filled(grown)(torch.from_numpy(table)).exp()
    np.testing.assert_allclose(found[:, :2], said, atol=1e-5)
    assert set(as_arrays(grown, 2)["columns"]) == {2}
