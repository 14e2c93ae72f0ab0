"""Linear probes: how well a linear classifier separates the classes with given features.

Probes are scored on spatial folds of training and validation pixels, never on test pixels
or on neighbours of the fitted pixels. Chosen by this project.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from bdgf.core.errors import SceneError
from bdgf.core.settings import Settings
from bdgf.evaluation.metrics import average_accuracy, confusion_matrix, overall_accuracy


class LinearProbeSettings(Settings):
    """The probe and its folds."""

    folds: int = Field(5, ge=2, description="Number of folds, limited by the number of blocks.")
    block: int = Field(16, ge=1, description="Side in pixels of the blocks that form the folds.")
    c: float = Field(0.1, gt=0, description="C of the multinomial logistic regression (L2).")
    iterations: int = Field(500, ge=1, description="Maximum number of solver iterations.")
    repeats: int = Field(
        3, ge=1, description="Number of random fold assignments to average accuracies over."
    )
    seed: int = Field(0, ge=0, description="Seed of the folds, the same for all compared features.")


def probe_accuracy(
    features: np.ndarray, targets: np.ndarray, groups: np.ndarray, settings: LinearProbeSettings
) -> tuple[float, float]:
    """Accuracy of a linear probe; each pixel is predicted by a probe fitted without its group.

    Args:
        features: (N, D) float.
        targets: (N,) class ids 1..K.
        groups: (N,) spatial groups.
        settings: Probe and folds.

    Returns:
        Overall and average accuracy over the N pixels, in [0, 1].

    Raises:
        SceneError: The pixels lie in a single group.
    """
    accuracies = []
    for repeat in range(settings.repeats):
        predicted = out_of_fold(features, targets, groups, settings, settings.seed + repeat)
        confusion = confusion_matrix(targets, predicted, int(targets.max()))
        accuracies.append((overall_accuracy(confusion), average_accuracy(confusion)))
    overall, average = np.mean(accuracies, axis=0)
    return float(overall), float(average)


def out_of_fold(
    features: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    settings: LinearProbeSettings,
    seed: int,
) -> np.ndarray:
    """Each pixel's class, predicted by a probe fitted without its group: (N,) class ids.

    Features are standardised by the pixels that the probe is fitted on. Arguments as of
    `probe_accuracy`; `seed` draws the folds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = min(settings.folds, len(np.unique(groups)))
    if folds < 2:
        raise SceneError(
            f"the training pixels lie in one block of {settings.block} px, so no linear probe can "
            "be scored on others; set balance.probe.block lower"
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    predicted = np.zeros_like(targets)
    for fitted, held_out in splitter.split(features, targets, groups):
        if not len(held_out):  # blocks too unequal to fill every fold
            continue
        if len(np.unique(targets[fitted])) == 1:
            predicted[held_out] = targets[fitted[0]]
            continue
        probe = make_pipeline(
            StandardScaler(),
            LogisticRegression(C=settings.c, max_iter=settings.iterations),
        )
        predicted[held_out] = probe.fit(features[fitted], targets[fitted]).predict(
            features[held_out]
        )
    return predicted
