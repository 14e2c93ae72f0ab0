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
