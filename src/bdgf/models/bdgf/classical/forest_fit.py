"""Growth of the classical branch's forest: scikit-learn's extremely randomised trees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

    from bdgf.models.bdgf.classical.tree_ensemble import ForestSettings


_NEVER = float(np.finfo(np.float32).max)
"""Threshold of a leaf: finite, so that an average of equal ones is the same again."""


class GrownTrees(NamedTuple):
    """Trees on some columns of the table."""

    columns: Sequence[int]
    estimator: ExtraTreesClassifier


def grow_forest(
    table: np.ndarray,
    targets: np.ndarray,
    share: np.ndarray,
    sets: Sequence[Sequence[int]],
    settings: ForestSettings,
    seed: int,
    jobs: int,
) -> list[GrownTrees]:
    """Grows trees on each set of columns.

    Args:
        table: (n, F) float32.
        targets: (n,) classes.
        share: (n,) weights of the pixels.
        sets: Columns of each set.
        settings: Settings.
        seed: Decides the trees.
        jobs: Threads; the trees do not depend on them.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    return [
        GrownTrees(
            columns,
            ExtraTreesClassifier(
                settings.trees,
                min_samples_leaf=settings.min_leaf,
                random_state=(seed + place) % 2**32,
                n_jobs=jobs,
            ).fit(table[:, columns], targets, sample_weight=share),
        )
        for place, columns in enumerate(sets)
    ]


def as_arrays(
    grown: list[GrownTrees], classes: int, shares: Sequence[float] | None = None
) -> dict[str, Any]:
    """The trees as `TreeEnsemble.set_trees` takes them, on columns of the whole table.

    Args:
        grown: The trees on each set.
        classes: K.
        shares: Of each set in the mean over all trees; they sum to one. None counts trees alike.
    """
    trees = [len(one.estimator.estimators_) for one in grown]
    shares = shares or [count / sum(trees) for count in trees]
    found: dict[str, list[np.ndarray]] = {
        name: [] for name in ("columns", "thresholds", "below", "probabilities")
    }
    roots, depth, start = [], 0, 0
    for (columns, estimator), count, share in zip(grown, trees, shares, strict=True):
        # The mean over all trees is taken of what lies in their leaves.
        of_set, scale = np.asarray(columns), share * sum(trees) / count
        for tree in (one.tree_ for one in estimator.estimators_):
            leaf = tree.children_left < 0
            own = np.arange(tree.node_count)
            below = np.stack([tree.children_left, tree.children_right], axis=1)
            counts = tree.value[:, 0]
            probabilities = np.zeros((tree.node_count, classes))
            probabilities[:, estimator.classes_] = scale * (counts / counts.sum(1, keepdims=True))
            found["columns"].append(of_set[np.where(leaf, 0, tree.feature)])
            found["thresholds"].append(np.where(leaf, _NEVER, tree.threshold))
            found["below"].append(np.where(leaf[:, None], own[:, None], below) + start)
            found["probabilities"].append(probabilities)
            roots.append(start)
            depth, start = max(depth, tree.max_depth), start + tree.node_count
    arrays = {name: np.concatenate(parts) for name, parts in found.items()}
    return {**arrays, "roots": np.array(roots), "depth": depth}
