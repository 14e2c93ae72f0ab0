"""The fit of the classical branch, by cross-validation on held-out blocks."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from bdgf.models.bdgf.classical.branch import ClassicalBranch, ClassicalSettings
from bdgf.models.bdgf.classical.fit import ExpertChoice, fit_classical_branch
from bdgf.models.bdgf.classical.forest_fit import grow_forest
from bdgf.models.bdgf.classical.logistic import LinearSettings
from bdgf.models.bdgf.classical.tree_ensemble import ForestSettings
from bdgf.models.patch.held_out import HeldOutSettings, hold_out_blocks
from bdgf.models.patch.network import last
from bdgf.models.patch.sampling import Pixels, class_weights
from bdgf.models.patch.stacking import cross_entropy, of_right_class
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


def chosen(use=False, sets=(("mean:1",), ("mean:1", "features")), **linear) -> ClassicalSettings:
    forest = ForestSettings(use=use, trees=10, sets=sets)
    return ClassicalSettings(linear=LinearSettings(**linear), forest=forest, components=2)


def hold_out(pixels, weighting="sqrt", seed=0, **changes):
    held_out = HeldOutSettings(**({"block": 12, "repeats": 2} | changes))
    return hold_out_blocks(
        pixels, SHAPE, held_out, buffer=PATCH // 2, weighting=weighting, seed=seed
    )


def fit(arrays, pixels, settings=None, weighting="sqrt", classes=3, seed=0, **held_out):
    settings = settings or chosen()
    branch = ClassicalBranch(settings, 2, PATCH, classes, arrays.level_channels)
    valid = level_valid(torch.ones(SHAPE, dtype=torch.bool), max(len(arrays.features), 1))
    blocks = hold_out(pixels, weighting, seed, **held_out)
    fitted = fit_classical_branch(branch, arrays, valid, blocks, settings, patch=PATCH, seed=seed)
    return branch, fitted, valid


def test_held_out_blocks_decide_whether_averages_are_read():
    """Two classes that an average of bands alone tells apart, then the same with noise there."""
    arrays, labels = make_arrays(texture=False)
    pixels = draw_pixels(labels)
    settings = chosen(use=True, sets=((), ("averages",)), candidates=((), ("averages",)))
    shares = {}
    for told in (True, False):
        rng = np.random.default_rng(1)
        average = (3 * (labels == 2) + 6 * (labels == 1)) * told + rng.normal(size=SHAPE)
        channels = torch.cat([0.1 * arrays.channels[1:], torch.from_numpy(average)[None].float()])
        if not told:
            channels[0] = torch.from_numpy(4.0 * labels + rng.normal(size=SHAPE))
        seen = SceneTensors(channels, arrays.modalities, averages=(1,))
        branch = ClassicalBranch(settings, 2, PATCH, 3, averages=seen.averages)
        valid = level_valid(torch.ones(SHAPE, dtype=torch.bool), 1)
        blocks = hold_out(pixels)
        fitted = fit_classical_branch(branch, seen, valid, blocks, settings, patch=PATCH, seed=0)
        assert [e["statistics"] for e in fitted.record["experts"]] == 2 * [(), ("averages",)]
        shares[told] = sum(e.share for e in fitted.experts if "averages" in e.name)
    assert shares[True] > 0.9
    assert shares[False] < 0.6


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
    branch, fitted, valid = fit(arrays, pixels, only, weighting, classes)
    [expert] = fitted.record["experts"]
    assert (expert["kind"], expert["statistics"], expert["c"], expert["share"]) == (
        *("linear map", ("mean:1",), 0.1),
        pytest.approx(1),
    )
    table, found = describe(branch, arrays, valid, pixels)
    weights = class_weights(pixels.targets, classes, weighting)
    share = None if weights is None else weights[pixels.targets]
    scaled = StandardScaler().fit_transform(table.double().numpy())
    reference = LogisticRegression(C=0.1, max_iter=2000, tol=1e-8)
    wanted = reference.fit(scaled, pixels.targets, sample_weight=share).predict_proba(scaled)
    assert found.numpy() == pytest.approx(wanted, abs=1e-3)


def shares_of(fitted, kind="linear map") -> dict[tuple[str, ...], float]:
    return {
        one["statistics"]: one["share"] for one in fitted.record["experts"] if one["kind"] == kind
    }


def test_roughness_decides_where_that_tells_the_classes_apart():
    arrays, labels = make_arrays(texture=True)
    sets = ((), ("mean:1",), ("deviation:2",))
    settings = chosen(candidates=sets, c=(0.3,))
    branch, fitted, valid = fit(arrays, draw_pixels(labels, 150), settings)
    shares = shares_of(fitted)
    assert shares["deviation:2",] > 0.7
    assert sum(shares.values()) == pytest.approx(1)
    others = draw_pixels(labels, 400, seed=1)
    found = describe(branch, arrays, valid, others)[1].argmax(1).numpy()
    assert (found == others.targets).mean() > 0.8


@pytest.mark.parametrize("use", [False, True])
def test_features_decide_where_they_tell_the_classes_apart(use):
    arrays, labels = make_arrays(texture=False)
    arrays = with_features(arrays, labels)
    sets = ((), ("mean:1",), ("features",))
    branch, fitted, valid = fit(arrays, draw_pixels(labels), chosen(use, candidates=sets, c=(0.3,)))
    shares = shares_of(fitted)
    assert max(shares, key=shares.__getitem__) == ("features",)
    assert sum(one.share for one in fitted.experts if one.features) > 0.5
    others = draw_pixels(labels, 400, seed=1)
    found = describe(branch, arrays, valid, others)[1].argmax(1).numpy()
    assert (found == others.targets).mean() > 0.9


def test_features_of_noise_are_weighed_out():
    arrays, labels = make_arrays(texture=False)
    rng = np.random.default_rng(3)
    noise = torch.from_numpy(rng.normal(size=(40, *SHAPE))).half()
    moments = (noise.float().mean((1, 2)),), (noise.float().std((1, 2)),)
    arrays = SceneTensors(arrays.channels, arrays.modalities, (noise,), *moments)
    sets = ((), ("features",))
    settings = chosen(True, sets=sets, candidates=sets, c=(1.0,)).model_copy(
        update={"components": 30}
    )
    _, fitted, _ = fit(arrays, draw_pixels(labels, 150), settings, block=6)
    assert sum(one.share for one in fitted.experts if one.features) < 0.2


def test_an_expert_of_no_use_is_left_out_and_has_no_weights():
    arrays, labels = make_arrays(texture=True)
    settings = chosen(candidates=((), ("deviation:2",)), c=(1.0,))
    branch, fitted, _ = fit(arrays, draw_pixels(labels, 400), settings, block=4, strength=0.01)
    shares = shares_of(fitted)
    assert shares == {(): 0, ("deviation:2",): pytest.approx(1)}
    assert (branch.linear.weight[0] == 0).all()


def test_the_branch_mixes_its_experts_by_their_shares():
    arrays, labels = make_arrays(texture=False)
    pixels, others = draw_pixels(labels, 150), draw_pixels(labels, 60, seed=1)
    linear, trees = ((), ("mean:1",)), ((), ("mean:1",))
    both = chosen(True, sets=trees, candidates=linear, c=(0.1,))
    branch, fitted, valid = fit(arrays, pixels, both)
    shares = [one.share for one in fitted.experts]
    assert sum(shares) == pytest.approx(1)
    assert branch.shares.tolist() == pytest.approx([sum(shares[:2]), sum(shares[2:])], abs=1e-6)
    wanted = 0
    for (kind, names), share in zip(
        [*(("linear", s) for s in linear), *(("trees", s) for s in trees)], shares, strict=True
    ):
        if kind == "linear":
            alone = chosen(candidates=(names,), c=(0.1,))
            said = describe(fit(arrays, pixels, alone)[0], arrays, valid, others)[1]
        else:
            described, _ = describe(branch, arrays, valid, pixels)
            rows, _ = describe(branch, arrays, valid, others)
            blocks = hold_out(pixels)
            grown = grow_forest(
                *(described.numpy(), pixels.targets, blocks.share),
                [branch.describe.columns(one) for one in trees],
                *(both.forest, 0, 1),
            )[trees.index(names)]
            said = torch.from_numpy(
                grown.estimator.predict_proba(rows.numpy()[:, grown.columns])
            ).float()
        wanted = wanted + share * said
    found = describe(branch, arrays, valid, others)[1]
    assert torch.allclose(found, wanted.to(found), atol=1e-4)


def test_each_linear_map_has_the_penalty_of_its_lowest_loss():
    arrays, labels = make_arrays(texture=True)
    pixels = draw_pixels(labels, 150)
    sets, penalties = ((), ("deviation:2",)), (0.001, 0.1, 10.0)

    def experts(*values):
        return fit(arrays, pixels, chosen(candidates=sets, c=values))[1].record["experts"]

    alone = {penalty: [one["loss"] for one in experts(penalty)] for penalty in penalties}
    for at, found in enumerate(experts(*penalties)):
        best = min(penalties, key=lambda penalty: alone[penalty][at])
        assert (found["c"], found["loss"]) == (best, pytest.approx(alone[best][at]))


def test_what_it_says_of_held_out_pixels_is_better_than_its_worst_expert():
    arrays, labels = make_arrays(texture=True)
    pixels = draw_pixels(labels, 150)
    _, fitted, _ = fit(arrays, pixels, chosen(True, candidates=((), ("deviation:2",))))
    blocks = hold_out(pixels)
    held = np.concatenate([np.flatnonzero(held) for _, held in blocks.folds])
    said = np.concatenate(fitted.said)
    assert said.sum(1) == pytest.approx(1)
    right = of_right_class(said, pixels.targets[held])
    together = cross_entropy(right, blocks.share[held])
    assert together < max(one.loss for one in fitted.experts)
    assert together < min(one.loss for one in fitted.experts) + 0.05


@pytest.mark.slow
def test_the_same_seed_gives_the_same_branch():
    arrays, labels = make_arrays(texture=False)
    arrays = with_features(arrays, labels)
    (first, _, _), (second, _, _) = (
        fit(arrays, draw_pixels(labels), chosen(use=True)) for _ in range(2)
    )
    state = second.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in first.state_dict().items())


def test_where_nothing_can_be_held_out_linear_maps_and_trees_count_alike():
    arrays, _ = make_arrays(texture=False)
    rows, cols = np.unravel_index(np.arange(9), (3, 3))  # within the buffer of one another
    pixels = Pixels(rows, cols, np.arange(9) % 3)
    settings = chosen(True, sets=((),), candidates=((), ("mean:1",)))
    branch, fitted, _ = fit(arrays, pixels, settings)
    assert {one["loss"] for one in fitted.record["experts"]} == {None}
    assert {one["c"] for one in fitted.record["experts"]} == {0.01, None}
    assert shares_of(fitted) == {(): 0.25, ("mean:1",): 0.25}
    assert shares_of(fitted, "trees") == {(): 0.5}
    assert fitted.said == ()
    assert branch.linear.weight.isfinite().all()
    assert branch.shares.tolist() == [0.5, 0.5]


def test_names_say_what_an_expert_sees():
    windows = tuple(f"mean:{sigma}" for sigma in (1, 2, 4, 8))
    names = [
        ExpertChoice("trees", statistics, None, None, 1.0).name
        for statistics in ((), ("mean:1", "features"), windows, (*windows, "features"))
    ]
    assert names == [
        "trees (pixel)",
        "trees (mean:1 features)",
        "trees (windows)",
        "trees (windows features)",
    ]


def test_several_threads_say_the_same_bits_each_time():
    # scikit-learn adds trees in the order in which its threads end.
    arrays, labels = make_arrays(texture=False)
    settings = ClassicalSettings(
        linear=LinearSettings(candidates=(("mean:1",),), c=(0.1,)),
        forest=ForestSettings(trees=60, sets=(("mean:1",),)),
    )
    pixels, before = draw_pixels(labels), torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        first, *others = (fit(arrays, pixels, settings)[1].said for _ in range(4))
    finally:
        torch.set_num_threads(before)
    for said in others:
        assert all(np.array_equal(a, b) for a, b in zip(first, said, strict=True))
