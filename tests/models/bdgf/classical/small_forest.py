"""A forest of a few trees on two sets of columns."""

import numpy as np

from bdgf.models.bdgf.classical.forest_fit import as_arrays, grow_forest
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


def filled(grown, classes: int = 3, shares=None) -> TreeEnsemble:
    forest = TreeEnsemble(classes)
    forest.set_trees(**as_arrays(grown, classes, shares))
    return forest
