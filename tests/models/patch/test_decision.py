"""How members become one answer."""

import json

import numpy as np
import pytest
import torch

from bdgf.models.patch.decision import (
    Answers,
    Decision,
    Expert,
    decision_line,
    decision_record,
    joined,
    shift_prior,
    weigh,
)
from bdgf.models.patch.guidance_choice import GuidanceChoice
from bdgf.models.patch.reach import Reach
from bdgf.models.patch.temperature import sharpened

BRANCHES = ("cnn", "mamba", "classical")
TRAINING = np.array([0.5, 0.3, 0.2])


def answers(count=200, blocks=40, sureness=(3.0, 0.3, 0.3), seed=0) -> Answers:
    """Branches that know the classes the better the surer they are."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, count)
    said = {}
    for name, sure in zip(BRANCHES, sureness, strict=True):
        logits = sure * np.eye(3)[targets] + rng.normal(size=(count, 3)) * 0.5
        said[name] = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return Answers(said, targets, np.ones(count), np.arange(count) % blocks, np.full(count, 8.0))


def experts():
    return {
        "classical": [
            Expert("trees (pixel)", 0.75, 0.4, False),
            Expert("trees (features)", 0.25, 0.5, True),
        ]
    }


def test_the_better_branch_wins_and_the_mixture_is_no_worse():
    found = weigh(answers(400, 80), BRANCHES, 2.0)
    assert found.weights["cnn"] > 0.9
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.loss <= min(found.losses.values()) + 0.02
    assert (found.pixels, found.blocks) == (400, 80)


def test_branches_in_another_order_have_the_same_weights():
    found = weigh(answers(), BRANCHES, 4.0).weights
    turned = weigh(answers(), BRANCHES[::-1], 4.0).weights
    assert turned == pytest.approx(found, abs=1e-6)


def test_without_evidence_branches_count_alike():
    found = weigh(None, BRANCHES, 4.0)
    assert set(found.weights.values()) == {1 / 3}
    assert (found.temperature, found.loss, found.blocks) == (1, None, 0)
    record = decision_record(found, shift_prior("training", TRAINING, None), experts())
    assert "no block" in decision_line(record)


def test_folds_are_joined():
    first, second = answers(30, 5), answers(20, 5, seed=1)
    both = joined([first, second])
    assert len(both.targets) == 50
    assert both.blocks == 5
    assert np.array_equal(both.said["cnn"][30:], second.said["cnn"])
    assert len(both.distance) == 50


def test_the_module_is_the_formula():
    decision = Decision(3, 3)
    rng = np.random.default_rng(0)
    said = rng.dirichlet(np.ones(3), (3, 7))
    given = torch.from_numpy(said).float()
    np.testing.assert_allclose(decision(given), said.mean(0), atol=1e-6)
    weights, ratio = np.array([0.6, 0.3, 0.1]), np.array([2.0, 1.0, 0.5])
    decision.weights.copy_(torch.from_numpy(weights))
    decision.temperature.fill_(0.7)
    decision.ratio.copy_(torch.from_numpy(ratio))
    wanted = sharpened(np.tensordot(weights, said, 1), 0.7) * ratio
    np.testing.assert_allclose(decision(given), wanted / wanted.sum(1, keepdims=True), atol=1e-6)
    assert not list(decision.parameters())


def test_the_prior_of_the_training_changes_nothing():
    shift = shift_prior("training", TRAINING, None)
    assert shift.ratio.tolist() == [1, 1, 1]
    assert shift.changed is None


def test_a_uniform_prior_takes_the_training_s_shares_out():
    said = np.array([[0.4, 0.35, 0.25], [0.9, 0.05, 0.05]])
    shift = shift_prior("uniform", TRAINING, said)
    assert (shift.ratio * TRAINING).tolist() == pytest.approx([1 / 3] * 3)
    assert shift.changed == 0.5  # the first pixel's class is another now


def test_an_estimated_prior_follows_the_pixels():
    said = np.tile([0.2, 0.7, 0.1], (300, 1))
    shift = shift_prior("estimated", TRAINING, said)
    assert shift.shares.argmax() == 1
    assert shift.shares[1] > 0.9
    assert shift.changed == 0


def test_the_record_lists_every_member_and_its_weights_sum_to_one():
    weighing = weigh(answers(), BRANCHES, 4.0)
    record = decision_record(weighing, shift_prior("training", TRAINING, None), experts())
    assert json.loads(json.dumps(record)) == record
    assert [member["name"] for member in record["members"]] == [
        *BRANCHES[:2],
        "trees (pixel)",
        "trees (features)",
    ]
    assert sum(member["weight"] for member in record["members"]) == pytest.approx(1)
    assert record["members"][3]["weight"] == pytest.approx(0.25 * weighing.weights["classical"])
    line = decision_line(record)
    assert "\n" not in line
    assert "diffusion features have 25 % of its classical experts" in line
    assert f"temperature {weighing.temperature:.2f}" in line


def test_the_line_tells_what_a_prior_changes():
    said = np.array([[0.4, 0.35, 0.25], [0.9, 0.05, 0.05]])
    shift = shift_prior("uniform", TRAINING, said)
    line = decision_line(decision_record(weigh(answers(), BRANCHES, 4.0), shift, {}))
    assert "prior uniform changes 50.0 % of the pixels" in line


@pytest.mark.parametrize(("guided", "told"), [(0.3, "guide"), (0.5, "do not guide")])
def test_the_record_and_the_line_tell_whether_features_guide(guided, told):
    prior = shift_prior("training", TRAINING, None)
    choice = GuidanceChoice(guided, 0.4, 0.05, 1.5, matched=True)
    record = decision_record(weigh(answers(), BRANCHES, 4.0), prior, {}, choice)
    assert record["guidance"] == {
        "kept": guided < 0.4,
        "held_out_loss": {"guided": guided, "unguided": 0.4},
        "standard_error": 0.05,
        "standard_errors_asked": 1.5,
        "matched": True,
    }
    line = decision_line(record)
    assert f"diffusion features {told}: cross-entropy {guided:.3f} with them, 0.400" in line
    assert "standard error of the difference 0.050, at the map's distances" in line
    silent = decision_record(weigh(answers(), BRANCHES, 4.0), prior, {})
    assert silent["guidance"] is None
    assert "guide" not in decision_line(silent)


def test_the_record_and_the_line_tell_how_far_the_evidence_reaches():
    prior = shift_prior("training", TRAINING, None)
    weighing = weigh(answers(), BRANCHES, 4.0)
    record = decision_record(weighing, prior, {}, reach=Reach(9.0, 21.0, 47.0, 0.78))
    assert json.loads(json.dumps(record))["distance"] == {
        "held_out": 9.0,
        "held_out_most": 21.0,
        "map": 47.0,
        "beyond": 0.78,
    }
    assert "78 % of the map lies farther from training pixels than 21 px" in decision_line(record)
    silent = decision_record(weighing, prior, {})
    assert silent["distance"] is None
    assert "farther" not in decision_line(silent)
