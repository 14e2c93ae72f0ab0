"""Random forest: the classifier that needs no tuning, and that few labels suit well."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pydantic import Field

from bdgf.baselines.pixel_features import FEATURE_PATCH, FEATURES, FeatureName, training_table
from bdgf.errors import MissingArtifactError
from bdgf.scenes.scene import class_table, valid_mask
from bdgf.settings_model import Settings

_CHUNK = 4096  # pixels a worker predicts at once
# skops does not vouch for trees, whose node indices scikit-learn follows unchecked; they are
# checked after loading (`_check_tree`).
_TRUSTED = ["sklearn.tree._tree.Tree"]


class RandomForestSettings(Settings):
    """Settings of the random forest; 500 trees are the field's custom, the rest scikit-learn's."""

    trees: int = Field(500, ge=1, description="Number of trees.")
    features: FeatureName = Field("pixel", description="What a pixel is described by.")
    min_leaf: int = Field(1, ge=1, description="Least training pixels in a leaf.")
    balanced: bool = Field(False, description="Weight classes inversely to their training pixels.")
    use_validation: bool = Field(
        True, description="Train on validation pixels too: a forest chooses nothing on them."
    )
    jobs: int = Field(-1, description="Threads; -1 = all cores. The result does not depend on it.")

    @property
    def patch(self) -> int:
        """Side of the window that a pixel's features come from."""
        return FEATURE_PATCH[self.features]


@dataclass(frozen=True)
class RandomForest:
    """A trained forest.

    Attributes:
        forest: The scikit-learn estimator.
        settings: What it was trained with.
        classes: K, the classes of the scene.
    """

    forest: Any
    settings: RandomForestSettings
    classes: int

    def predict_map(self, prepared: xr.Dataset) -> np.ndarray:
        """Class probabilities of every valid pixel.

        Returns:
            (K, H, W) float32, 0 on invalid pixels.
        """
        mask = valid_mask(prepared)
        table = FEATURES[self.settings.features](prepared)[:, mask].T  # (N, F)
        probabilities = np.zeros((self.classes, *mask.shape), np.float32)
        columns = self.forest.classes_.astype(int) - 1
        of_classes = np.zeros((self.classes, len(table)), np.float32)
        of_classes[columns] = _predict(self.forest, table, self.settings.jobs).T
        probabilities[:, mask] = of_classes
        return probabilities

    def save(self, path: Path) -> None:
        """Writes one `.skops` file: a zip of arrays and a JSON schema, nothing that is executed.

        A pickle would run whatever code it holds when it is read; skops builds only the types that
        scikit-learn is known by and refuses the rest.
        """
        from skops.io import dump

        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".part")
        stored = {
            "forest": self.forest,
            "settings": self.settings.model_dump(mode="json"),
            "classes": self.classes,
        }
        with partial.open("wb") as file:
            dump(stored, file)
        os.replace(partial, path)


def fit_random_forest(
    prepared: xr.Dataset, split: xr.DataArray, settings: RandomForestSettings, seed: int
) -> RandomForest:
    """Trains a forest on the split's training pixels.

    Args:
        prepared: The prepared scene, with labels.
        split: The split.
        settings: The forest's settings.
        seed: Seed of the trees.
    """
    from sklearn.ensemble import RandomForestClassifier

    features = FEATURES[settings.features](prepared)
    table, labels = training_table(features, prepared, split, settings.use_validation)
    forest = RandomForestClassifier(
        n_estimators=settings.trees,
        min_samples_leaf=settings.min_leaf,
        class_weight="balanced" if settings.balanced else None,
        n_jobs=settings.jobs,
        random_state=seed,
    ).fit(table, labels)
    return RandomForest(forest, settings, class_table(prepared).count)


def load_random_forest(path: Path) -> RandomForest:
    """Reads what `RandomForest.save` wrote.

    Raises:
        MissingArtifactError: The file is missing, damaged, or holds types that a forest does not.
    """
    from skops.io import load

    try:
        stored = load(path, trusted=_TRUSTED)
        for tree in stored["forest"].estimators_:
            _check_tree(tree.tree_)
        settings = RandomForestSettings(**stored["settings"])
        return RandomForest(stored["forest"], settings, int(stored["classes"]))
    except Exception as error:  # skops raises many types on damaged archives
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise MissingArtifactError(
            f"cannot read the forest {path}: {reason}; train again"
        ) from error


def _check_tree(tree: Any) -> None:
    """Refuses node indices that would lead a prediction outside the tree's memory or in circles."""
    nodes = np.arange(tree.node_count)
    leaf = tree.children_left == -1
    for children in (tree.children_left[~leaf], tree.children_right[~leaf]):
        if not ((children > nodes[~leaf]) & (children < tree.node_count)).all():
            raise ValueError("a tree's nodes do not form a tree")
    features = tree.feature[~leaf]
    if not ((features >= 0) & (features < tree.n_features)).all():
        raise ValueError("a tree asks for features that there are not")


def _predict(forest: Any, table: np.ndarray, jobs: int) -> np.ndarray:
    """(N, classes) mean of the trees' probabilities.

    Each worker sums the trees in their order for pixels of its own; scikit-learn's threads add in
    whatever order they end, which changes the last bits from run to run.
    """
    from joblib import Parallel, delayed

    def of_chunk(chunk: np.ndarray) -> np.ndarray:
        total = np.zeros((len(chunk), len(forest.classes_)))
        for tree in forest.estimators_:
            total += tree.predict_proba(chunk, check_input=False)
        return total / len(forest.estimators_)

    chunks = [
        np.ascontiguousarray(table[start : start + _CHUNK], np.float32)
        for start in range(0, len(table), _CHUNK)
    ]
    parts = Parallel(n_jobs=jobs, prefer="threads")(delayed(of_chunk)(c) for c in chunks)
    return np.concatenate(parts) if parts else np.zeros((0, len(forest.classes_)))
