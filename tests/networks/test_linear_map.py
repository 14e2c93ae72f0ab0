"""The linear map of the statistics branch."""

import torch

from bdgf.networks.linear_map import LinearMap


def test_it_is_linear_and_its_probabilities_sum_to_one():
    linear = LinearMap(6, classes=2)
    described = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(linear(described).exp(), torch.full((4, 2), 0.5))
    weight, bias = torch.arange(12.0).reshape(2, 6), torch.tensor([1.0, -1.0])
    linear.set_weights(weight, bias)
    wanted = (described @ weight.T + bias).softmax(1)
    assert torch.allclose(linear(described).exp(), wanted, rtol=1e-4, atol=1e-6)
    assert linear.size == 14
    assert not list(linear.parameters())  # nothing for an optimiser
