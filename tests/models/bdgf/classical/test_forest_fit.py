"""Trees as scikit-learn grows them."""

import numpy as np

from bdgf.models.bdgf.classical.forest_fit import as_arrays, grow_forest
from bdgf.models.bdgf.classical.tree_ensemble import ForestSettings
from tests.models.bdgf.classical.small_forest import SETS


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
