"""The linear maps of the classical branch."""

import torch

from bdgf.models.bdgf.classical.logistic import LinearMaps


def test_they_are_linear_and_their_probabilities_are_mixed_by_their_shares():
    linear = LinearMaps(2, 6, classes=2)
    draw = torch.Generator().manual_seed(0)
    described = torch.randn(4, 6, generator=draw)
    assert torch.allclose(linear(described).exp(), torch.full((4, 2), 0.5))
    weight, bias = torch.randn(2, 2, 6, generator=draw), torch.randn(2, 2, generator=draw)
    weight[0, :, 3:] = 0  # columns that this map does not see
    shares = torch.tensor([0.8, 0.2])
    linear.set_weights(weight, bias, shares)
    wanted = sum(
        share * (described @ w.T + b).softmax(1)
        for w, b, share in zip(weight, bias, shares, strict=True)
    )
    assert torch.allclose(linear(described).exp(), wanted, rtol=1e-4, atol=1e-6)
    assert linear.size == 28
    assert not list(linear.parameters())  # nothing for an optimiser


def test_a_map_without_a_share_is_not_heard():
    linear = LinearMaps(2, 3, classes=4)
    weight = torch.zeros(2, 4, 3)
    weight[0, 0] = 100
    linear.set_weights(weight, torch.zeros(2, 4), torch.tensor([0.0, 1.0]))
    assert torch.allclose(linear(torch.ones(5, 3)).exp(), torch.full((5, 4), 0.25))
