"""The fit of the classical branch, by cross-validation on held-out blocks."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bdgf.models.bdgf.classical.branch import ClassicalBranch, ClassicalSettings
from bdgf.models.bdgf.classical.fit import fit_classical_branch
from bdgf.models.bdgf.classical.logistic import LinearSettings
from bdgf.models.bdgf.classical.tree_ensemble import ForestSettings
from bdgf.models.patch.network import last
from bdgf.models.patch.sampling import Pixels, class_weights
from bdgf.raster.patches import SceneTensors, gather_batch, level_valid

PATCH = 7
SHAPE = (48, 60)


def make_arrays(texture: bool) -> tuple[SceneTensors, np.ndarray]:
    """Three classes in squares: told apart by two channels, or two of them by roughness alone."""
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 3, (6, 6)), np.ones((8, 10), int))
    noise = rng.normal(size=(2, *SHAPE))
    means = np.stack([labels == 2, labels == (9 if texture else 1)]) * 3
    channels = means + noise * np.where(labels == 1, 3, 0.3) if texture else means + noise
    arrays = SceneTensors(torch.from_numpy(channels).float(), {"a": slice(0, 1), "b": slice(1, 2)})
    return arrays, labels


def draw_pixels(labels: np.ndarray, count: int = 90, seed: int = 0) -> Pixels:
    flat = np.sort(np.random.default_rng(seed).choice(labels.size, count, replace=False))
    rows, cols = np.unravel_index(flat, labels.shape)
    return Pixels(rows, cols, labels[rows, cols])


def chosen(use=False, inverse_temperature=10.0, pixels=3000, **linear) -> ClassicalSettings:
    forest = ForestSettings(use=use, trees=10, sets=(("mean:1",), ("mean:1", "features")))
    return ClassicalSettings(
        linear=LinearSettings(**linear),
        forest=forest,
        inverse_temperature=inverse_temperature,
        pixels=pixels,
        components=2,
        block=12,
    )


def fit(arrays, pixels, settings=None, weighting="sqrt", classes=3, seed=0):
    settings = settings or chosen()
    branch = ClassicalBranch(settings, 2, PATCH, classes, arrays.level_channels)
    valid = level_valid(torch.ones(SHAPE, dtype=torch.bool), max(len(arrays.features), 1))
    choice = fit_classical_branch(
        branch, arrays, valid, pixels, settings, patch=PATCH, weighting=weighting, seed=seed
    )
    return branch, choice, valid


def describe(branch, arrays, valid, pixels):
    rows, cols = torch.from_numpy(pixels.rows), torch.from_numpy(pixels.cols)
    batch = gather_batch(
        arrays, valid, rows, cols, PATCH, levels=len(arrays.features), centres=True
    )
    patches = branch.embed(last(batch.scene), last(batch.scene_inside))
    centres = [branch.components(level, features) for level, features in enumerate(batch.centres)]
    return branch.describe_pixels(patches, centres), branch(patches, centres).exp()


def with_features(arrays: SceneTensors, labels: np.ndarray) -> SceneTensors:
    """Features that tell the classes apart, at two levels, among channels that do not."""
    rng = np.random.default_rng(2)
    levels = []
    for level in range(2):
        coarse = labels[:: 2**level, :: 2**level]
        noise = rng.normal(size=(6, *coarse.shape))
        noise[:3] = 0.3 * noise[:3] + 2 * np.stack([coarse == c for c in range(3)])
        levels.append(torch.from_numpy(noise).half())
    means = tuple(level.float().mean((1, 2)) for level in levels)
    stds = tuple(level.float().std((1, 2)) for level in levels)
    return SceneTensors(arrays.channels, arrays.modalities, tuple(levels), means, stds)


@pytest.mark.parametrize("weighting", ["none", "sqrt", "balanced"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_linear_map_is_scikit_learns_logistic_regression(weighting, classes):
    arrays, labels = make_arrays(texture=False)
    pixels = draw_pixels(np.minimum(labels, classes - 1))
    only = chosen(candidates=(("mean:1",),), c=(0.1,))
    branch, choice, valid = fit(arrays, pixels, only, weighting, classes)
    assert [(one.statistics, one.c) for one in choice.linear] == [(("mean:1",), 0.1)]
    table, found = describe(branch, arrays, valid, pixels)
    weights = class_weights(pixels.targets, classes, weighting)
    share = None if weights is None else weights[pixels.targets]
    scaled = StandardScaler().fit_transform(table.double().numpy())
    reference = LogisticRegression(C=0.1, max_iter=2000, tol=1e-8)
    wanted = reference.fit(scaled, pixels.targets, sample_weight=share).predict_proba(scaled)
    assert found.numpy() == pytest.approx(wanted, abs=1e-3)


def shares_of(choice) -> dict[tuple[str, ...], float]:
    return {one.statistics: one.share for one in choice.linear}


@pytest.mark.parametrize("weighed", [False, True])
def test_roughness_decides_where_that_tells_the_classes_apart(weighed):
    arrays, labels = make_arrays(texture=True)
    sets = ((), ("mean:1",), ("deviation:2",))
    settings = chosen(candidates=sets, c=(0.3,), weighed=weighed, inverse_temperature=20.0)
    branch, choice, valid = fit(arrays, draw_pixels(labels, 150), settings)
    shares = shares_of(choice)
    if weighed:
        assert set(shares) == set(sets)
        assert 0.8 < shares["deviation:2",] < 1
    else:
        assert shares == {("deviation:2",): 1.0}
        assert (branch.linear.weight[..., 2:4] == 0).all()  # what was not chosen has no weight
    others = draw_pixels(labels, 400, seed=1)
    found = describe(branch, arrays, valid, others)[1].argmax(1).numpy()
    assert (found == others.targets).mean() > 0.8


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("use", [False, True])
def test_features_decide_where_they_tell_the_classes_apart(use, weighed):
    arrays, labels = make_arrays(texture=False)
    arrays = with_features(arrays, labels)
    sets = ((), ("mean:1",), ("features",))
    settings = chosen(use, candidates=sets, c=(0.3,), weighed=weighed)
    branch, choice, valid = fit(arrays, draw_pixels(labels), settings)
    shares = shares_of(choice)
    assert len(shares) == (3 if weighed else 1)
    assert max(shares, key=shares.__getitem__) == ("features",)
    others = draw_pixels(labels, 400, seed=1)
    found = describe(branch, arrays, valid, others)[1].argmax(1).numpy()
    assert (found == others.targets).mean() > 0.9


def test_weighed_maps_count_by_their_losses_on_held_out_pixels():
    arrays, labels = make_arrays(texture=True)
    pixels = draw_pixels(labels, 150)
    sets = ((), ("deviation:1",), ("deviation:2",))
    branch, choice, _ = fit(
        arrays, pixels, chosen(candidates=sets, weighed=True, inverse_temperature=3.0)
    )
    losses = np.array([one.loss for one in choice.linear])
    alone = [fit(arrays, pixels, chosen(candidates=(names,)))[1].linear[0].loss for names in sets]
    assert losses.tolist() == pytest.approx(alone)
    weights = np.exp(-3.0 * losses)
    assert [one.share for one in choice.linear] == pytest.approx(weights / weights.sum())
    assert branch.linear.shares.tolist() == pytest.approx(weights / weights.sum(), abs=1e-6)
    # By convexity, which only the floor under probabilities could break; the bound holds always.
    bound = losses - np.log(weights / weights.sum())
    assert choice.linear_loss <= float(losses @ weights / weights.sum()) + 1e-9
    assert choice.linear_loss <= bound.min() + 1e-9
    seen = branch.linear.weight[0].any(0).nonzero().flatten().tolist()
    assert seen == branch.describe.columns(())


def test_each_linear_map_has_the_penalty_of_its_lowest_loss():
    arrays, labels = make_arrays(texture=True)
    pixels = draw_pixels(labels, 150)
    sets, penalties = ((), ("deviation:2",)), (0.001, 0.1, 10.0)

    def choice(*values):
        settings = chosen(candidates=sets, c=values, weighed=True)
        return fit(arrays, pixels, settings)[1].linear

    alone = {penalty: [one.loss for one in choice(penalty)] for penalty in penalties}
    for at, found in enumerate(choice(*penalties)):
        best = min(penalties, key=lambda penalty: alone[penalty][at])
        assert (found.c, found.loss) == (best, pytest.approx(alone[best][at]))


def test_the_better_of_linear_map_and_forest_has_the_greater_share():
    arrays, labels = make_arrays(texture=False)
    pixels = draw_pixels(labels, 150)
    settings = chosen(use=True, candidates=((),), c=(0.1,), inverse_temperature=5.0)
    branch, choice, _ = fit(arrays, pixels, settings)
    weights = np.exp(-5.0 * np.array([choice.linear_loss, choice.forest_loss]))
    assert branch.shares.tolist() == pytest.approx((weights / weights.sum()).tolist(), abs=1e-5)
    assert choice.forest_share == pytest.approx(float(branch.shares[1]), abs=1e-5)
    even, choice, _ = fit(arrays, pixels, settings.model_copy(update={"inverse_temperature": 0.0}))
    assert even.shares.tolist() == [0.5, 0.5]
    assert choice.forest_share == 0.5


def test_thinned_pixels_stand_for_those_left_out():
    arrays, labels = make_arrays(texture=False)
    pixels = draw_pixels(labels, 1500)
    only = {"candidates": ((),), "c": (1.0,)}
    whole, _, valid = fit(arrays, pixels, chosen(**only))
    thinned, _, _ = fit(arrays, pixels, chosen(**only, pixels=600))
    others = draw_pixels(labels, 400, seed=1)
    difference = [describe(branch, arrays, valid, others)[1] for branch in (whole, thinned)]
    assert 0 < (difference[0] - difference[1]).abs().mean() < 0.05


def test_the_same_seed_gives_the_same_branch():
    arrays, labels = make_arrays(texture=False)
    arrays = with_features(arrays, labels)
    (first, _, _), (second, _, _) = (
        fit(arrays, draw_pixels(labels), chosen(use=True)) for _ in range(2)
    )
    state = second.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in first.state_dict().items())


@pytest.mark.parametrize("weighed", [False, True])
def test_where_nothing_can_be_held_out_the_simplest_is_taken_or_all_evenly(weighed):
    arrays, _ = make_arrays(texture=False)
    rows, cols = np.unravel_index(np.arange(9), (3, 3))  # within the buffer of one another
    pixels = Pixels(rows, cols, np.arange(9) % 3)
    settings = chosen(use=True, candidates=((), ("mean:1",)), weighed=weighed)
    branch, choice, _ = fit(arrays, pixels, settings)
    assert choice.linear_loss is choice.forest_loss is None
    assert {one.loss for one in choice.linear} == {None}
    assert {one.c for one in choice.linear} == {0.01}
    assert shares_of(choice) == ({(): 0.5, ("mean:1",): 0.5} if weighed else {(): 1.0})
    assert branch.linear.weight.isfinite().all()
    assert branch.shares.tolist() == [0.5, 0.5]
