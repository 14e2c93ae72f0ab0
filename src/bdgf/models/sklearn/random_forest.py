"""Random forest: a classifier that needs no tuning and works well with few labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from bdgf.core.errors import SceneError
from bdgf.models.sklearn.pixel_features import PixelSettings, WindowSettings
from bdgf.models.sklearn.training_pixels import Estimator, TrainingPixels, in_chunks

_CHUNK = 4096  # pixels a worker predicts at once


class RandomForestSettings(PixelSettings):
    """Settings of the random forest; 500 trees are the field's custom, the rest scikit-learn's."""

    trees: int = Field(500, ge=1, description="Number of trees.")
    min_leaf: int = Field(1, ge=1, description="Minimum number of training pixels in a leaf.")
    balanced: bool = Field(False, description="Weight classes by inverse frequency.")
    use_validation: bool = Field(
        True,
        description="Also train on validation pixels, because a random forest selects "
        "nothing on them.",
    )
    jobs: int = Field(-1, description="Threads; -1 = all cores. Does not change the result.")


class RandomForestWindowsSettings(RandomForestSettings, WindowSettings):
    """Settings of the random forest that sees window statistics too."""


def fit_random_forest(table: TrainingPixels, settings: RandomForestSettings, seed: int) -> Any:
    """Trains a forest.

    Args:
        table: The training pixels.
        settings: The forest's settings.
        seed: Seed of the trees.
    """
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=settings.trees,
        min_samples_leaf=settings.min_leaf,
        class_weight="balanced" if settings.balanced else None,
        n_jobs=settings.jobs,
        random_state=seed,
    ).fit(table.features, table.labels)


def forest_probabilities(
    forest: Any, features: np.ndarray, settings: RandomForestSettings
) -> np.ndarray:
    """(N, classes) mean of the trees' probabilities of (N, F) features.

    Each worker sums the trees in their order for pixels of its own; scikit-learn's threads add in
    whatever order they end, which changes the last bits from run to run.

    Raises:
        SceneError: The forest was trained on another number of features.
    """
    if features.shape[1] != forest.n_features_in_:  # the trees would read beyond a row
        raise SceneError(
            f"the forest was trained on {forest.n_features_in_} features per pixel, this scene has "
            f"{features.shape[1]}; take the features that it was trained on, or train again"
        )

    def of_chunk(chunk: np.ndarray) -> np.ndarray:
        total = np.zeros((len(chunk), len(forest.classes_)))
        for tree in forest.estimators_:
            total += tree.predict_proba(chunk, check_input=False)
        return total / len(forest.estimators_)

    return in_chunks(of_chunk, features, _CHUNK, settings.jobs)


def check_forest(forest: Any) -> None:
    """Refuses node indices that would lead a prediction outside a tree's memory or in circles.

    Raises:
        ValueError: Saying what is wrong.
    """
    for tree in (estimator.tree_ for estimator in forest.estimators_):
        nodes = np.arange(tree.node_count)
        leaf = tree.children_left == -1
        for children in (tree.children_left[~leaf], tree.children_right[~leaf]):
            if not ((children > nodes[~leaf]) & (children < tree.node_count)).all():
                raise ValueError("a tree's nodes do not form a tree")
        features = tree.feature[~leaf]
        if not ((features >= 0) & (features < tree.n_features)).all():
            raise ValueError("a tree uses features that do not exist")


FOREST = Estimator(
    fit=fit_random_forest,
    probabilities=forest_probabilities,
    classes=lambda forest: forest.classes_.astype(int),
    size=lambda forest: sum(tree.tree_.node_count for tree in forest.estimators_),
    check=check_forest,
    # skops does not vouch for trees, whose node indices scikit-learn follows unchecked.
    trusted=("sklearn.tree._tree.Tree",),
)
