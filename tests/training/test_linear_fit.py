"""The fit of the linear branch: an ordinary logistic regression, chosen on held-out blocks."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bdgf.networks.linear_branch import LinearBranch, LinearSettings
from bdgf.scenes.windows import SceneArrays, gather_batch, level_valid
from bdgf.training.linear_fit import fit_linear_branch
from bdgf.training.sampling import Pixels, class_weights

PATCH = 7
SHAPE = (48, 60)


def make_arrays(texture: bool) -> tuple[SceneArrays, np.ndarray]:
    """Three classes in squares: told apart by two channels, or two of them by roughness alone."""
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 3, (6, 6)), np.ones((8, 10), int))
    noise = rng.normal(size=(2, *SHAPE))
    means = np.stack([labels == 2, labels == (9 if texture else 1)]) * 3
    channels = means + noise * np.where(labels == 1, 3, 0.3) if texture else means + noise
    arrays = SceneArrays(torch.from_numpy(channels).float(), {"a": slice(0, 1), "b": slice(1, 2)})
    return arrays, labels


def draw_pixels(labels: np.ndarray, count: int = 90, seed: int = 0) -> Pixels:
    flat = np.sort(np.random.default_rng(seed).choice(labels.size, count, replace=False))
    rows, cols = np.unravel_index(flat, labels.shape)
    return Pixels(rows, cols, labels[rows, cols])


def fit(arrays, pixels, chosen=None, weighting="sqrt", classes=3, seed=0):
    branch = LinearBranch(chosen or LinearSettings(block=12), 2, PATCH, classes)
    valid = level_valid(torch.ones(SHAPE, dtype=torch.bool), 1)
    choice = fit_linear_branch(
        branch,
        arrays,
        valid,
        pixels,
        chosen or LinearSettings(block=12),
        patch=PATCH,
        weighting=weighting,
        seed=seed,
    )
    return branch, choice, valid


def patches_of(branch, arrays, valid, pixels):
    rows, cols = torch.from_numpy(pixels.rows), torch.from_numpy(pixels.cols)
    batch = gather_batch(arrays, valid, rows, cols, PATCH, levels=0)
    return branch.embed(batch.scene.permute(0, 2, 3, 1), batch.scene_inside.permute(0, 2, 3, 1))


@pytest.mark.parametrize("weighting", ["none", "sqrt", "balanced"])
@pytest.mark.parametrize("classes", [2, 3])
def test_it_is_scikit_learns_logistic_regression(weighting, classes):
    arrays, labels = make_arrays(texture=False)
    pixels = draw_pixels(np.minimum(labels, classes - 1))
    only = LinearSettings(candidates=(("mean:1",),), inverse_penalties=(0.1,), block=12)
    branch, choice, valid = fit(arrays, pixels, only, weighting, classes)
    assert (choice.statistics, choice.inverse_penalty) == (("mean:1",), 0.1)
    patches = patches_of(branch, arrays, valid, pixels)
    table = branch.describe(patches).double().numpy()
    weights = class_weights(pixels.targets, classes, weighting)
    share = None if weights is None else weights[pixels.targets]
    scaled = StandardScaler().fit_transform(table)
    reference = LogisticRegression(C=0.1, max_iter=2000, tol=1e-8)
    wanted = reference.fit(scaled, pixels.targets, sample_weight=share).predict_proba(scaled)
    assert branch(patches).softmax(1).numpy() == pytest.approx(wanted, abs=1e-3)


def test_it_chooses_roughness_where_that_tells_the_classes_apart():
    arrays, labels = make_arrays(texture=True)
    candidates = LinearSettings(
        candidates=((), ("mean:1",), ("deviation:2",)), inverse_penalties=(0.3,), block=12
    )
    branch, choice, valid = fit(arrays, draw_pixels(labels, 150), candidates)
    assert choice.statistics == ("deviation:2",)
    others = draw_pixels(labels, 400, seed=1)
    found = branch(patches_of(branch, arrays, valid, others)).argmax(1).numpy()
    assert (found == others.targets).mean() > 0.8
    assert (branch.weight[:, 2:4] == 0).all()  # what was not chosen has no weight


def test_thinned_pixels_stand_for_those_left_out():
    arrays, labels = make_arrays(texture=False)
    pixels = draw_pixels(labels, 1500)
    only = {"candidates": ((),), "inverse_penalties": (1.0,), "block": 12}
    whole, _, valid = fit(arrays, pixels, LinearSettings(**only))
    thinned, _, _ = fit(arrays, pixels, LinearSettings(**only, pixels=600))
    patches = patches_of(whole, arrays, valid, draw_pixels(labels, 400, seed=1))
    difference = whole(patches).softmax(1) - thinned(patches).softmax(1)
    assert 0 < difference.abs().mean() < 0.05


def test_the_same_seed_gives_the_same_weights():
    arrays, labels = make_arrays(texture=False)
    (first, _, _), (second, _, _) = (fit(arrays, draw_pixels(labels)) for _ in range(2))
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.bias, second.bias)


def test_where_nothing_can_be_held_out_the_simplest_is_taken():
    arrays, _ = make_arrays(texture=False)
    rows, cols = np.unravel_index(np.arange(9), (3, 3))  # within the buffer of one another
    pixels = Pixels(rows, cols, np.arange(9) % 3)
    branch, choice, _ = fit(arrays, pixels)
    assert choice.loss is None
    assert (choice.statistics, choice.inverse_penalty) == ((), 0.01)
    assert branch.weight.isfinite().all()
