"""The decision of a training: what its evidence is, and what comes of it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from bdgf.models.bdgf.classifier import load_classifier
from bdgf.models.patch.deciding import choose_guidance, judging_settings
from bdgf.models.patch.decision import Answers, DecisionSettings
from bdgf.models.patch.held_out import HeldOutSettings
from bdgf.models.patch.predict_map import predict_map
from bdgf.models.patch.sampling import Pixels
from bdgf.models.patch.selection import SelectionSettings
from bdgf.splits.parts import TRAIN, VALIDATION
from tests.models.patch.small_training import (
    ARRAYS,
    CLASSES,
    LABELS,
    SPLIT,
    VALID,
    fit,
    make_settings,
    same,
)

LAST = SelectionSettings(rule="last")


def settings(selection=LAST, fusion="stacked", **changes):
    base = make_settings(selection=selection)
    decision = base.decision.model_copy(update=changes)
    classifier = base.classifier.model_copy(update={"fusion": fusion})
    return base.model_copy(update={"decision": decision, "classifier": classifier})


def without_decision(weights):
    tensors = {n: t for n, t in weights.tensors.items() if not n.startswith("decision.")}
    return type(weights)(tensors, weights.config)


@pytest.fixture(scope="module")
def decided():
    return fit(settings())


def test_it_is_told_how_far_the_held_out_pixels_and_the_map_lie_from_training_pixels(decided):
    distance = decided.config["decision"]["distance"]
    labelled = np.isin(SPLIT, (TRAIN, VALIDATION)) & (LABELS > 0) & VALID
    away = distance_transform_edt(~labelled)[VALID]
    assert distance["map"] == pytest.approx(np.median(away))
    assert distance["beyond"] == pytest.approx((away > distance["held_out_most"]).mean())
    assert 1 < distance["held_out"] <= distance["held_out_most"] < np.hypot(*SPLIT.shape)


def test_the_network_joins_its_branches_as_was_decided(decided):
    record, network = decided.config["decision"], load_classifier(decided)
    assert record["held_out_blocks"] > 0
    assert list(record["branches"]) == list(network.branch_names)
    weights = [branch["weight"] for branch in record["branches"].values()]
    assert network.decision.weights.tolist() == pytest.approx(weights)
    assert float(network.decision.temperature) == pytest.approx(record["temperature"])
    logits = {name: torch.randn(5, CLASSES) for name in network.branch_names}
    mixed = sum(w * z.softmax(1) for w, z in zip(weights, logits.values(), strict=True))
    powers = mixed ** (1 / record["temperature"])
    wanted = powers / powers.sum(1, keepdim=True)
    assert torch.allclose(network.fuse(logits), wanted, atol=1e-6)


def test_experts_with_and_without_features_are_members(decided):
    members = decided.config["decision"]["members"]
    assert {member.get("features") for member in members} == {None, False, True}
    assert sum(member["weight"] for member in members) == pytest.approx(1)


def test_what_is_decided_changes_nothing_that_is_trained(decided):
    other = fit(settings(fusion="confidence"))
    assert "decision" not in other.config
    assert not any(name.startswith("decision.") for name in other.tensors)
    assert same(without_decision(decided), other)


def test_no_folds_leave_the_branches_alike():
    record = fit(settings(folds=0)).config["decision"]
    assert record["held_out_loss"] is None
    assert {branch["weight"] for branch in record["branches"].values()} == {0.25}
    assert record["temperature"] == 1


def test_folds_are_judged_until_there_is_enough_evidence(decided):
    one, both = decided.config["decision"], fit(settings(folds=5)).config["decision"]
    assert both["held_out_pixels"] > one["held_out_pixels"]
    assert both["held_out_blocks"] > one["held_out_blocks"] > 1
    enough = fit(settings(folds=5, blocks=one["held_out_blocks"])).config["decision"]
    assert enough["held_out_blocks"] == one["held_out_blocks"]
    short = fit(settings(folds=5, blocks=one["held_out_blocks"] + 1)).config["decision"]
    assert short == both


@pytest.mark.parametrize(
    "selection",
    [SelectionSettings(rule="best"), SelectionSettings(rule="last", use_validation=False)],
)
def test_validation_pixels_that_are_kept_out_are_the_evidence(selection):
    record = fit(settings(selection)).config["decision"]
    assert record["held_out_pixels"] == int((SPLIT == VALIDATION).sum())


def test_labels_of_test_pixels_decide_nothing(decided):
    others = np.where((SPLIT == TRAIN) | (SPLIT == VALIDATION), LABELS, 1 + LABELS % CLASSES)
    again = fit(settings(), labels=others.astype(np.uint8))
    assert again.config["decision"] == decided.config["decision"]


@pytest.mark.parametrize("prior", ["uniform", "estimated"])
def test_a_prior_moves_the_map_by_its_ratio(decided, prior):
    moved = fit(settings(prior=prior, unlabelled_pixels=200))
    record = moved.config["decision"]
    assert record["prior"]["name"] == prior
    assert sum(record["prior"]["shares"]) == pytest.approx(1)
    assert 0 <= record["prior"]["changed"] <= 1
    before, after = (predict_map(load_classifier(w), ARRAYS, VALID) for w in (decided, moved))
    wanted = before * moved.tensors["decision.ratio"].numpy()[:, None, None]
    np.testing.assert_allclose(after, wanted / wanted.sum(0), atol=1e-5)


def test_without_a_classical_branch_the_others_are_judged():
    base = settings()
    classical = base.classifier.classical.model_copy(update={"use": False})
    classifier = base.classifier.model_copy(update={"classical": classical})
    record = fit(base.model_copy(update={"classifier": classifier})).config["decision"]
    assert list(record["branches"]) == ["cnn", "mamba", "transformer"]
    assert record["held_out_blocks"] > 0


def test_the_judging_training_is_short_and_alone():
    short = judging_settings(make_settings(epochs=12, decision=DecisionSettings(epochs=3)))
    assert short.epochs == 3
    assert short.mutual_learning.consistency.weight == 0
    assert short.optimization.warmup_steps == 1  # of 5
    assert short.decision.held_out == HeldOutSettings()


def telling_the_place(arrays):
    """The scene with features that know a patch of 4 x 4 pixels again, and no other one."""
    rng, features = np.random.default_rng(1), []
    for level in arrays.features:
        codes = torch.tensor(rng.normal(size=(len(level), 8, 8))).half()
        features.append(torch.kron(codes, torch.ones(1, *(side // 8 for side in level.shape[1:]))))
    return replace(arrays, features=tuple(level.half() for level in features))


def asking(epochs=2, **changes):
    return settings(guidance="held_out", epochs=epochs, **changes)


def test_features_that_help_guide_and_change_nothing_else(decided):
    asked = fit(asking(epochs=1))
    guidance = asked.config["decision"]["guidance"]
    assert guidance["kept"]
    assert guidance["held_out_loss"]["guided"] < guidance["held_out_loss"]["unguided"]
    assert same(asked, decided)
    assert asked.config["decision"] | {"guidance": None} == decided.config["decision"]


def test_features_that_only_tell_the_place_are_left_out():
    arrays = telling_the_place(ARRAYS)
    asked = fit(asking(), arrays=arrays, seed=1)
    record = asked.config["decision"]
    assert not record["guidance"]["kept"]
    assert {member.get("features") for member in record["members"]} == {None, False}
    base = settings(epochs=2)
    classifier = base.classifier.model_copy(update={"guides": {}})
    unguided = fit(
        base.model_copy(update={"classifier": classifier}), arrays=arrays, seed=1, unguided=None
    )
    assert same(asked, unguided)
    bare = replace(ARRAYS, features=(), feature_mean=(), feature_std=())
    network = load_classifier(asked)
    np.testing.assert_array_equal(
        predict_map(network, bare, VALID), predict_map(network, arrays, VALID)
    )


def a_training(side=120, **changes):
    """What `choose_guidance` asks of a training: its labels lie in one corner of the scene."""
    corner = np.arange(10)
    return SimpleNamespace(
        settings=settings(**changes),
        classifier=SimpleNamespace(branch_names=("cnn", "mamba")),
        train_pixels=Pixels(corner, corner, corner % 2),
        valid=(torch.ones(1, side, side, dtype=torch.bool),),
    )


def answers_that_know(near: float, far: float) -> Answers:
    """Of 40 blocks, 30 lie near training pixels: the share of right answers in either."""
    block, pixel = (index.ravel() for index in np.indices((40, 20)))
    distance = np.where(block < 30, 6.0, 50.0)
    right = pixel < 20 * np.where(block < 30, near, far)
    targets = pixel % 2
    said = np.where((np.arange(2) == targets[:, None]) == right[:, None], 0.9, 0.1)
    return Answers({"cnn": said, "mamba": said}, targets, np.ones(800), block, distance)


@pytest.mark.parametrize(
    ("side", "matched", "kept"), [(120, False, True), (120, True, False), (12, True, True)]
)
def test_guidance_that_helps_near_training_pixels_alone_is_left_out_of_a_far_map(
    side, matched, kept
):
    training = a_training(side, guidance_matched=matched)
    guided, unguided = answers_that_know(0.95, 0.6), answers_that_know(0.8, 0.8)
    choice = choose_guidance(training, guided, training, unguided)
    assert choice.kept is kept
    assert choice.matched is matched


def test_guidance_that_helps_far_from_training_pixels_alone_is_kept_for_a_far_map():
    guided, unguided = answers_that_know(0.7, 0.95), answers_that_know(0.8, 0.8)
    for matched in (False, True):
        training = a_training(guidance_matched=matched)
        assert choose_guidance(training, guided, training, unguided).kept is matched


def test_without_a_fold_nothing_is_asked():
    assert fit(asking(folds=0)).config["decision"]["guidance"] is None
