"""Support vector machine with an RBF kernel; C and gamma are chosen on the training pixels."""

from __future__ import annotations

import logging
from itertools import product
from typing import Any

import numpy as np
from pydantic import Field

from bdgf.models.sklearn.pixel_features import PixelSettings, WindowSettings
from bdgf.models.sklearn.training_pixels import Estimator, TrainingPixels, in_chunks
from bdgf.splits.validation_groups import GroupName, ValidationSettings, spatial_groups

log = logging.getLogger(__name__)

_CHUNK = 4096  # pixels a worker predicts at once
_IN_NO_FOLD = -1


class SvmSettings(PixelSettings):
    """Settings of the SVM; grids and folds are chosen here.

    Neighbours of training pixels validate nothing, so whole groups of them are held out together.
    """

    c: tuple[float, ...] = Field(
        (1.0, 10.0, 100.0, 1000.0), min_length=1, description="Candidate values of C."
    )
    gamma: tuple[float, ...] = Field(
        (0.03, 0.1, 0.3, 1.0, 3.0),
        min_length=1,
        description="Candidate values of gamma, in units of 1 / number of features.",
    )
    folds: int = Field(5, ge=2, description="Folds of the cross-validation.")
    groups: GroupName = Field(
        "components",
        description="Unit that stays together in a fold: `components` (connected pixels of "
        "a class), grid `blocks`, or `pixels`; a class with fewer groups than "
        "folds uses the next unit.",
    )
    reach: int = Field(
        1,
        ge=0,
        description="Pixels belong to one component if windows of this radius around them touch.",
    )
    block: int = Field(16, ge=1, description="Side of a grid block in pixels.")
    balanced: bool = Field(False, description="Weight classes by inverse frequency.")
    use_validation: bool = Field(
        True, description="Also train on validation pixels, because the folds replace them."
    )
    jobs: int = Field(-1, description="Threads; -1 = all cores. Does not change the result.")


class SvmWindowsSettings(SvmSettings, WindowSettings):
    """Settings of the SVM that sees window statistics too."""


def fit_svm(table: TrainingPixels, settings: SvmSettings, seed: int) -> dict[str, Any]:
    """Chooses C and gamma by average accuracy on held-out groups, then trains on all pixels.

    The held-out decision values of the choice also set the temperature that makes probabilities of
    decision values (Guo et al. 2017, eq. 9); it does not change which class is the most probable.

    Args:
        table: The training pixels.
        settings: The SVM's settings.
        seed: Decides which groups make a fold.

    Returns:
        `machine`, the scikit-learn pipeline; `inverse_temperature`; `c` and `gamma` as chosen.
    """
    from joblib import Parallel, delayed

    folds = assign_folds(table.label_map, settings, np.random.default_rng([seed, 0]))
    count = table.features.shape[1]
    grid = [(c, gamma / count) for c, gamma in product(settings.c, settings.gamma)]

    def held_out(c: float, gamma: float) -> np.ndarray:
        return held_out_decisions(table, folds, c, gamma, settings.balanced)

    # In ascending order of both: of equals, the first is the smoothest.
    decisions = Parallel(n_jobs=settings.jobs, prefer="threads")(
        delayed(held_out)(*place) for place in grid
    )
    held = folds != _IN_NO_FOLD
    _, truth = np.unique(table.labels, return_inverse=True)
    scores = [_average_accuracy(truth[held], d[held].argmax(axis=1)) for d in decisions]
    best = int(np.argmax(scores))
    c, gamma = grid[best]
    log.info(
        "C %g and gamma %.3g: average accuracy %.1f %% on held-out training pixels",
        *(c, gamma, 100 * scores[best]),
    )
    machine = _machine(c, gamma, settings.balanced).fit(table.features, table.labels)
    return {
        "machine": machine,
        "inverse_temperature": fit_inverse_temperature(decisions[best][held], truth[held]),
        "c": c,
        "gamma": gamma,
    }


def assign_folds(
    label_map: np.ndarray, settings: SvmSettings, rng: np.random.Generator
) -> np.ndarray:
    """Deals the groups of each class out to the folds, the largest first, to the emptiest fold.

    Every class that has at least two groups is therefore held out in at least two folds and trained
    on in each; the groups of a class that has one only are held out in none.

    Args:
        label_map: (H, W) class ids of the training pixels, 0 elsewhere.
        settings: Folds and groups.
        rng: Breaks ties.

    Returns:
        (N,) fold of each training pixel in row-major order, -1 for none.
    """
    wanted = ValidationSettings(
        groups=settings.groups,
        min_groups=settings.folds,
        reach=settings.reach,
        block=settings.block,
    )
    trained = label_map != 0
    groups, labels = spatial_groups(label_map, wanted)[trained], label_map[trained]
    folds = np.full(len(labels), _IN_NO_FOLD)
    for class_id in np.unique(labels):
        ids, sizes = np.unique(groups[labels == class_id], return_counts=True)
        if len(ids) < 2:
            continue
        filled = np.zeros(min(settings.folds, len(ids)), int)
        places = rng.permutation(settings.folds)[: len(filled)]
        for index in sorted(rng.permutation(len(ids)), key=lambda i: -sizes[i]):
            emptiest = int(filled.argmin())
            filled[emptiest] += sizes[index]
            folds[(labels == class_id) & (groups == ids[index])] = places[emptiest]
    return folds


def held_out_decisions(
    table: TrainingPixels, folds: np.ndarray, c: float, gamma: float, balanced: bool
) -> np.ndarray:
    """(N, classes) decision values of each pixel by a machine that did not see its fold."""
    decisions = np.zeros((len(folds), len(np.unique(table.labels))))
    for fold in np.unique(folds[folds != _IN_NO_FOLD]):
        held = folds == fold
        machine = _machine(c, gamma, balanced).fit(table.features[~held], table.labels[~held])
        decisions[held] = _decisions(machine, table.features[held])
    return decisions


def fit_inverse_temperature(decisions: np.ndarray, truth: np.ndarray) -> float:
    """The factor on (n, K) decision values whose softmax is most likely to give (n,) `truth`."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if not len(truth):
        return 1.0

    def loss(log_factor: float) -> float:
        shares = log_softmax(np.exp(log_factor) * decisions, axis=1)
        return float(-shares[np.arange(len(truth)), truth].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-5.0, 5.0), method="bounded").x))


def svm_probabilities(
    svm: dict[str, Any], features: np.ndarray, settings: SvmSettings
) -> np.ndarray:
    """(N, classes) probabilities of (N, F) features."""
    from scipy.special import softmax

    def of_chunk(chunk: np.ndarray) -> np.ndarray:
        decisions = _decisions(svm["machine"], chunk)
        shares: np.ndarray = softmax(svm["inverse_temperature"] * decisions, axis=1)
        return shares

    return in_chunks(of_chunk, features, _CHUNK, settings.jobs)


def check_svm(svm: dict[str, Any]) -> None:
    """Refuses counts that would lead libsvm outside its arrays.

    Raises:
        ValueError: Saying what is wrong.
    """
    scaler, machine = svm["machine"][0], svm["machine"][1]
    vectors, classes = machine.support_vectors_, len(machine.classes_)
    counts = np.asarray(machine._n_support)
    if len(counts) != classes or (counts < 0).any() or counts.sum() != len(vectors):
        raise ValueError("the support vectors do not add up")
    shapes = machine._dual_coef_.shape, machine._intercept_.shape
    if shapes != ((classes - 1, len(vectors)), (classes * (classes - 1) // 2,)):
        raise ValueError("the coefficients do not belong to the support vectors")
    if machine.shape_fit_[1] != vectors.shape[1] or len(scaler.mean_) != vectors.shape[1]:
        raise ValueError("the support vectors are not of as many features as the scaler's")
    if not isinstance(svm["inverse_temperature"], float):
        raise ValueError("the temperature is not a number")


def _machine(c: float, gamma: float, balanced: bool) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    weights = "balanced" if balanced else None
    return make_pipeline(StandardScaler(), SVC(C=c, gamma=gamma, class_weight=weights))


def _decisions(machine: Any, features: np.ndarray) -> np.ndarray:
    # (N, classes): votes of one class against another, made comparable by scikit-learn.
    decisions = machine.decision_function(features)
    if decisions.ndim == 1:  # two classes: positive for the second
        decisions = np.stack([-decisions, decisions], axis=1)
    return np.asarray(decisions)


def _average_accuracy(truth: np.ndarray, prediction: np.ndarray) -> float:
    # Mean recall over the classes that are there; 0 where nothing is held out.
    hits = [(prediction[truth == c] == c).mean() for c in np.unique(truth)]
    return float(np.mean(hits)) if hits else 0.0


RBF_SVM = Estimator(
    fit=fit_svm,
    probabilities=svm_probabilities,
    classes=lambda svm: svm["machine"].classes_.astype(int),
    size=lambda svm: len(svm["machine"][-1].support_vectors_),
    check=check_svm,
)
