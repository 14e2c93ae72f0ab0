"""The fusion rules against their formulas."""

import numpy as np
import pytest
import torch

from bdgf.core.errors import SettingsError
from bdgf.models.patch.fusion import fuse
from tests.models.patch.small_outputs import outputs, softmax


def test_decisions_are_probabilities_by_their_formulas():
    logits, _ = outputs()
    p = np.stack([softmax(v) for v in logits.values()])
    tensors = {k: torch.tensor(v) for k, v in logits.items()}
    np.testing.assert_allclose(fuse(tensors, "mean"), p.mean(0), atol=1e-6)
    np.testing.assert_allclose(fuse(tensors, "branch:b1"), p[1], atol=1e-6)
    sure = p.max(2, keepdims=True)
    wanted = (p * sure).sum(0) / sure.sum(0)
    np.testing.assert_allclose(fuse(tensors, "confidence"), wanted, atol=1e-6)
    np.testing.assert_allclose(fuse(tensors, "confidence").sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("fusion", ["majority", "branch:b9", "branch:"])
def test_an_unknown_fusion_is_refused(fusion):
    with pytest.raises(SettingsError, match="the rules are mean, confidence, branch:b0"):
        fuse({"b0": torch.zeros(1, 2)}, fusion)


def test_a_decision_joins_the_probabilities():
    logits, _ = outputs()
    tensors = {k: torch.tensor(v) for k, v in logits.items()}
    p = np.stack([softmax(v) for v in logits.values()])
    weights = torch.tensor([0.5, 0.3, 0.2])
    found = fuse(tensors, "stacked", lambda said: torch.einsum("b,bnk->nk", weights, said))
    np.testing.assert_allclose(found, np.tensordot(weights.numpy(), p, 1), atol=1e-6)


def test_what_nobody_decided_is_refused():
    with pytest.raises(SettingsError, match="unknown fusion rule 'stacked'"):
        fuse({"b0": torch.zeros(1, 2)}, "stacked")
