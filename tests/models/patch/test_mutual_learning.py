"""The losses of mutual learning against their formulas."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.models.patch.mutual_learning import (
    SIMILARITIES,
    MutualLearningSettings,
    classification_loss,
    consistency_loss,
    entropy_alignment,
    features_alignment,
    relational_similarity,
)
from tests.models.patch.small_outputs import outputs, softmax


def as_tensors(arrays):
    return {k: torch.tensor(v, dtype=torch.float32, requires_grad=True) for k, v in arrays.items()}


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 4), st.integers(2, 8), st.integers(2, 6), st.integers(0, 100))
def test_entropy_alignment_is_its_formula(branches, batch, classes, seed):
    logits, _ = outputs(branches, batch, classes, seed)
    entropies = {k: -(softmax(v) * np.log(softmax(v))).sum(1) for k, v in logits.items()}
    pairs = [((entropies[a] - entropies[b]) ** 2).mean() for a, b in combinations(entropies, 2)]
    found = float(entropy_alignment([t.detach() for t in as_tensors(logits).values()]))
    assert found == pytest.approx(np.mean(pairs) / math.log(classes) ** 2, abs=1e-5)
    assert 0 <= found <= 1


def test_relational_similarity_is_its_formula():
    _, embeddings = outputs()
    unit = {k: v / np.linalg.norm(v, axis=1, keepdims=True) for k, v in embeddings.items()}
    pairs = [
        np.linalg.norm(unit[a] @ unit[a].T - unit[b] @ unit[b].T) ** 2 / 6**2
        for a, b in combinations(unit, 2)
    ]
    found = float(relational_similarity([t.detach() for t in as_tensors(embeddings).values()]))
    assert found == pytest.approx(np.mean(pairs), abs=1e-6)


def test_relational_similarity_ignores_a_rotation_of_an_embedding_and_cosine_does_not():
    z = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    rotation = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))[0]
    assert float(SIMILARITIES["relational"]([z, z @ rotation])) == pytest.approx(0, abs=1e-6)
    assert float(SIMILARITIES["cosine"]([z, z @ rotation])) > 0.1
    assert float(SIMILARITIES["cosine"]([z, 3 * z])) == pytest.approx(0, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 9), st.integers(1, 5), st.integers(1, 12), st.integers(0, 100))
def test_features_alignment_is_its_formula(batch, width, channels, seed):
    rng = np.random.default_rng(seed)
    z, f = (rng.normal(size=(batch, count)) + 3 for count in (width, channels))
    x, y = z - z.mean(0), f - f.mean(0)
    cka = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    found = float(features_alignment([torch.tensor(z)], [torch.tensor(f)]))
    assert found == pytest.approx(1 - cka, abs=1e-5)


def test_features_alignment_is_of_every_branch_and_level_and_knows_no_axes():
    z, f, g = (torch.randn(9, n, generator=torch.Generator().manual_seed(n)) for n in (4, 5, 6))
    rotation = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(0)))[0]
    pairs = [float(features_alignment([a], [b])) for a in (z, f) for b in (f, g)]
    assert float(features_alignment([z, f], [f, g])) == pytest.approx(np.mean(pairs), abs=1e-6)
    assert float(features_alignment([2 * f @ rotation + 1], [f])) == pytest.approx(0, abs=1e-6)


def test_alike_embeddings_resemble_nothing_and_have_a_gradient():
    alike = torch.ones(5, 3, requires_grad=True)
    loss = features_alignment([alike], [torch.randn(5, 2)])
    loss.backward()
    assert loss.item() == 1
    assert alike.grad.isfinite().all()


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_the_loss_is_the_weighted_sum_of_its_terms_and_reaches_every_branch(similarity):
    logits, embeddings = (as_tensors(arrays) for arrays in outputs())
    targets = torch.tensor([0, 1, 2, 3, 0, 1])
    settings_ = MutualLearningSettings(
        entropy_weight=0.3, similarity_weight=0.7, similarity=similarity
    )
    terms = classification_loss(logits, embeddings, targets, settings_)
    wanted = sum(float(terms[f"loss_b{i}"].detach()) for i in range(3))
    wanted += 0.3 * terms["loss_entropy"].item() + 0.7 * terms["loss_similarity"].item()
    assert terms["loss"].item() == pytest.approx(wanted, abs=1e-5)
    terms["loss"].backward()
    assert all(t.grad.abs().sum() > 0 for t in [*logits.values(), *embeddings.values()])


def test_cross_entropy_takes_class_weights_and_smoothing():
    logits, embeddings = (as_tensors(arrays) for arrays in outputs(1))
    targets = torch.tensor([0, 1, 2, 3, 0, 1])
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0])
    terms = classification_loss(
        logits,
        embeddings,
        targets,
        MutualLearningSettings(),
        class_weights=weights,
        label_smoothing=0.1,
    )
    wanted = torch.nn.CrossEntropyLoss(weights, label_smoothing=0.1)(logits["b0"], targets)
    assert terms["loss"].item() == pytest.approx(wanted.item(), abs=1e-6)


def test_a_single_branch_has_nobody_to_learn_from():
    logits, embeddings = (as_tensors(arrays) for arrays in outputs(1))
    terms = classification_loss(
        logits, embeddings, torch.zeros(6, dtype=torch.long), MutualLearningSettings()
    )
    assert terms["loss_entropy"].item() == terms["loss_similarity"].item() == 0


def test_consistency_is_the_branches_cross_entropy_to_the_pseudo_target():
    rng = np.random.default_rng(0)
    logits = {name: torch.tensor(rng.normal(size=(5, 3)), requires_grad=True) for name in "ab"}
    pseudo_target = torch.tensor(rng.dirichlet(np.ones(3), 5)).float()
    loss = consistency_loss(logits, pseudo_target)
    expected = 0.0
    for branch in logits.values():
        p = np.exp(branch.detach().numpy())
        expected -= (pseudo_target.numpy() * np.log(p / p.sum(1, keepdims=True))).sum(1).mean()
    assert abs(float(loss) - expected) < 1e-5
    loss.backward()
    assert all(float(branch.grad.abs().sum()) > 0 for branch in logits.values())
